"""The table, over as many pages as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

from jobkit.rendering.locale_format import LocaleFormat
from jobkit.rendering.pdf.pages import BOTTOM, INNER, LEFT, Pages
from jobkit.rendering.pdf.typeface import BOLD, REGULAR, one_line, wrapped
from jobkit.rendering.report import Column, Kind, Row
from jobkit.rendering.tally import Tally
from jobkit.rendering.theme import ACCENT, INK, NEGATIVE, PAPER, ZEBRA

_SIZE = 8.0
_LEADING = 10.0
_PADDING = 5.0
_GAP = 4.0
"""Between the text of a cell and either side of its column."""

_HEADER_HEIGHT = 18.0
_BASELINE = 2.6
"""From the lower edge of a line to the baseline of its text."""


class Table:
    """Draw rows under each other, with the header again on every page."""

    def __init__(self, pages: Pages, y: float) -> None:
        self._pages = pages
        self._pen = pages.pen
        self._columns = pages.report.columns
        widths = [column.width for column in self._columns]
        edges = [LEFT + INNER * part / sum(widths) for part in accumulate(widths, initial=0.0)]
        self._spans = [(left + _GAP, right - _GAP) for left, right in pairwise(edges)]
        self._write = [_writer(column.kind, pages.locale) for column in self._columns]
        self._currency = next(
            (place for place, column in enumerate(self._columns) if column.kind is Kind.CURRENCY),
            None,
        )
        self._shaded = False
        self._y = y
        self._header()

    def add(self, row: Row) -> None:
        """Draw one row, on the next page if it does not fit on this one."""
        currency = "" if self._currency is None else str(row[self._currency])
        texts = [
            "" if value is None else one_line(write(value, currency))
            for write, value in zip(self._write, row, strict=True)
        ]
        cells = list(self._lines(texts))
        height = _LEADING * max(len(lines) for lines in cells) + _PADDING
        self._make_room(height)
        if self._shaded:
            self._pen.area(LEFT, self._y - height, INNER, height, ZEBRA)
        self._shaded = not self._shaded
        for column, span, lines, value in zip(self._columns, self._spans, cells, row, strict=True):
            self._cell(column, span, lines, NEGATIVE if _negative(value) else INK)
        self._y -= height

    def totals(self, tally: Tally) -> None:
        """Draw the sums, a line for each currency."""
        for line, (currency, sums) in enumerate(tally.by_currency()):
            height = _LEADING + _PADDING + 2
            self._make_room(height)
            if line == 0:
                self._pen.rule(LEFT, self._y, INNER, ACCENT, weight=1.2)
            self._y -= 1
            for place, (column, span) in enumerate(zip(self._columns, self._spans, strict=True)):
                text, color = "", INK
                if column.key in sums:
                    text = self._write[place](sums[column.key], currency)
                    color = NEGATIVE if _negative(sums[column.key]) else INK
                elif column.kind is Kind.CURRENCY:
                    text = currency
                elif place == 0:
                    text = f"Total {currency}".strip()
                self._cell(column, span, [text], color, bold=True)
            self._y -= height - 1

    def _lines(self, texts: list[str]) -> Iterator[list[str]]:
        for column, (left, right), text in zip(self._columns, self._spans, texts, strict=True):
            # A number is never cut: the pen draws it smaller instead.
            whole = column.kind is not Kind.TEXT
            yield [text] if whole else wrapped(text, REGULAR, _SIZE, right - left, column.lines)

    def _cell(
        self,
        column: Column,
        span: tuple[float, float],
        lines: list[str],
        color: str,
        bold: bool = False,
    ) -> None:
        left, right = span
        y = self._y - _PADDING / 2 - _LEADING + _BASELINE
        for text in lines:
            if text and column.kind.numeric:
                self._pen.text(
                    right, y, text, size=_SIZE, bold=bold, color=color, align="right",
                    width=right - left,
                )  # fmt: skip
            elif text:
                self._pen.text(
                    left, y, text, size=_SIZE, bold=bold, color=color, width=right - left
                )
            y -= _LEADING

    def _make_room(self, height: float) -> None:
        if self._y - height < BOTTOM:
            self._pages.next()
            self._y = self._pages.running_head()
            self._shaded = False
            self._header()

    def _header(self) -> None:
        self._pen.area(LEFT, self._y - _HEADER_HEIGHT, INNER, _HEADER_HEIGHT, ACCENT)
        y = self._y - _HEADER_HEIGHT + 5.6
        for column, (left, right) in zip(self._columns, self._spans, strict=True):
            (title,) = wrapped(column.title, BOLD, _SIZE, right - left, 1)
            numeric = column.kind.numeric
            self._pen.text(
                right if numeric else left, y, title, size=_SIZE, bold=True, color=PAPER,
                align="right" if numeric else "left",
            )  # fmt: skip
        self._y -= _HEADER_HEIGHT


def _negative(value: Any) -> bool:
    return isinstance(value, Decimal | int) and value < 0


def _writer(kind: Kind, locale: LocaleFormat) -> Callable[[Any, str], str]:
    if kind is Kind.MONEY:
        return locale.amount
    if kind is Kind.MOMENT:
        return lambda moment, _: locale.moment(moment)
    if kind is Kind.DATE:
        return lambda day, _: locale.date(day)
    if kind.numeric:
        return lambda number, _: locale.number(number)
    return lambda value, _: str(value)
