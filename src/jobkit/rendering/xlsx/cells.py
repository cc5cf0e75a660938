"""The cells of a workbook: values as what they are, and text that never runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

from jobkit.rendering.cell_text import is_formula, xml_text
from jobkit.rendering.currency_digits import currency_digits
from jobkit.rendering.exact import significant_digits
from jobkit.rendering.report import Column, Kind, Row
from jobkit.rendering.tally import Tally
from jobkit.rendering.theme import ACCENT, PAPER


def font(**properties: Any) -> Font:
    """Return a font; one without a name would be whatever a program has first in its list."""
    return Font(name="Calibri", **{"size": 11, **properties})


_FORMATS = {Kind.INTEGER: "#,##0", Kind.DATE: "yyyy-mm-dd", Kind.MOMENT: "yyyy-mm-dd hh:mm"}
_RIGHT = Alignment(horizontal="right")
_LEFT = Alignment(horizontal="left")
_BESIDE_NUMBERS = Alignment(horizontal="left", indent=1)
_BOLD = font(bold=True)
_TOTAL = Border(top=Side(style="thin", color=ACCENT))
_HEADER = {
    "font": font(bold=True, color=PAPER),
    "fill": PatternFill("solid", fgColor=ACCENT),
}
_DIGITS_OF_A_DOUBLE = 15
_FIRST_YEAR = 1900
"""A workbook's calendar begins here (ECMA-376 part 1, section 18.17.4.1)."""


def money_format(currency: str) -> str:
    """Return the number format of amounts in *currency*; what is negative is red."""
    digits = currency_digits(currency)
    number = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return f"{number};[Red]-{number}"


def text_cell(sheet: Any, text: str, **style: Any) -> Any:
    """Return a cell that holds *text* as text, whatever it looks like."""
    cell = _styled(sheet, style)
    _put_text(cell, text)
    return cell


def number_cell(sheet: Any, value: Decimal | int, number_format: str, **style: Any) -> Any:
    """Return a cell that holds a number, or its digits as text where a double would lose some."""
    cell = _styled(sheet, {"number_format": number_format, **style})
    _put_number(cell, value)
    return cell


class TableCells:
    """Make the cells of a table's sheet; a column's cell is styled once and filled anew."""

    def __init__(self, sheet: Any, columns: Sequence[Column], zone: tzinfo) -> None:
        self._sheet = sheet
        self._columns = columns
        self._zone = zone
        self._currency = next(
            (place for place, column in enumerate(columns) if column.kind is Kind.CURRENCY), None
        )
        self._styled: dict[tuple[int, str], Any] = {}

    def header(self) -> list[Any]:
        """Return the titles of the columns."""
        return [
            text_cell(self._sheet, column.title, alignment=_alignment(column.kind), **_HEADER)
            for column in self._columns
        ]

    def row(self, row: Row) -> list[Any]:
        """Return the cells of one row. They are good until the next row is made."""
        currency = "" if self._currency is None else str(row[self._currency])
        return [
            None if value is None else self._cell(place, column.kind, value, currency)
            for place, (column, value) in enumerate(zip(self._columns, row, strict=True))
        ]

    def totals(self, tally: Tally) -> list[list[Any]]:
        """Return a row of totals for each currency."""
        return [self._total(currency, sums) for currency, sums in tally.by_currency()]

    def _total(self, currency: str, sums: dict[str, Decimal]) -> list[Any]:
        style = {"font": _BOLD, "border": _TOTAL}
        cells = []
        for place, column in enumerate(self._columns):
            if column.key in sums:
                number_format = self._format(column.kind, currency)
                cells.append(number_cell(self._sheet, sums[column.key], number_format, **style))
            elif column.kind is Kind.CURRENCY:
                cells.append(text_cell(self._sheet, currency, alignment=_BESIDE_NUMBERS, **style))
            else:
                label = f"Total {currency}".strip() if place == 0 else ""
                cells.append(text_cell(self._sheet, label, **style))
        return cells

    def _cell(self, place: int, kind: Kind, value: Any, currency: str) -> Any:
        if kind is Kind.MOMENT:
            # Workbooks know no time zones: the wall clock of the report's zone is kept.
            value = value.astimezone(self._zone).replace(tzinfo=None)
        if isinstance(value, date) and value.year < _FIRST_YEAR:
            kind, value = Kind.TEXT, str(value)
        style = currency if kind is Kind.MONEY else ""
        if kind in (Kind.TEXT, Kind.CURRENCY):
            style = "quoted" if is_formula(str(value)) else "text"
        cell = self._styled.get((place, style))
        if cell is None:
            cell = self._styled[place, style] = _styled(
                self._sheet,
                {"number_format": self._format(kind, currency), "alignment": _alignment(kind)},
            )
        if kind.numeric:
            _put_number(cell, value)
        elif isinstance(value, (date, datetime)):
            cell.value = value
            # Assigning a date gives the cell a format of openpyxl's own.
            cell.number_format = _FORMATS[kind]
        else:
            _put_text(cell, str(value))
        return cell

    def _format(self, kind: Kind, currency: str) -> str:
        return money_format(currency) if kind is Kind.MONEY else _FORMATS.get(kind, "General")


def _alignment(kind: Kind) -> Alignment:
    if kind.numeric:
        return _RIGHT
    return _BESIDE_NUMBERS if kind is Kind.CURRENCY else _LEFT


def _styled(sheet: Any, style: dict[str, Any]) -> Any:
    cell = WriteOnlyCell(sheet)
    for name, value in style.items():
        setattr(cell, name, value)
    return cell


def _put_text(cell: Any, text: str) -> None:
    cell.value = xml_text(text)
    # openpyxl takes "=…" for a formula and "#N/A" for an error.
    cell.data_type = "s"
    if is_formula(text):
        # So that it stays text when somebody edits the cell.
        cell.quotePrefix = True


def _put_number(cell: Any, value: Decimal | int) -> None:
    if significant_digits(value) > _DIGITS_OF_A_DOUBLE:
        cell.value = format(value, "f") if isinstance(value, Decimal) else str(value)
        cell.data_type = "s"
        cell.alignment = _RIGHT
    else:
        cell.value = value
