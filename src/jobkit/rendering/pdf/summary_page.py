"""The first page: the report at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from jobkit.rendering.locale_format import LocaleFormat
from jobkit.rendering.pdf.bar_chart import draw_bars
from jobkit.rendering.pdf.pages import BOTTOM, INNER, LEFT, Pages
from jobkit.rendering.pdf.pen import Pen
from jobkit.rendering.pdf.typeface import REGULAR, one_line, text_width, wrapped
from jobkit.rendering.report import Figure, Ranking, Summary
from jobkit.rendering.theme import ACCENT, INK, MUTED, NEGATIVE, SOFT, TILE

_GAP = 10.0
_TILES_A_ROW = 5
_TILE_ROWS = 3
_TILE_HEIGHT = 50.0
_NOTE_LEADING = 10.0
_RANK_LEADING = 16.0
_HEADING = 20.0
"""The height of a panel's title with the space below it."""


def draw_summary(pages: Pages, y: float, summary: Summary, *, empty: str = "") -> None:
    """Draw figures, charts, rankings and notes between *y* and the foot of the page.

    *empty* is said in the middle where there is nothing to draw.
    """
    pen, locale = pages.pen, pages.locale
    y = _tiles(pen, locale, summary.figures, y)
    floor = BOTTOM + _NOTE_LEADING * len(summary.notes) + (6 if summary.notes else 0)
    if empty:
        pen.text(LEFT + INNER / 2, (y + floor) / 2, empty, size=13, color=MUTED, align="center")
    rows = bool(summary.bars) + bool(summary.rankings)
    height = (y - floor - _GAP * (rows - 1)) / max(rows, 1)
    if summary.bars:
        for (x, width), bars in zip(_spread(len(summary.bars)), summary.bars, strict=True):
            _panel(pen, x, y, width, bars.title)
            draw_bars(pages, x, y - height, width, height - _HEADING, bars)
        y -= height + _GAP
    for (x, width), ranking in zip(_spread(len(summary.rankings)), summary.rankings, strict=True):
        _panel(pen, x, y, width, ranking.title)
        _ranking(pen, locale, ranking, x, y - _HEADING, width, height - _HEADING)
    for place, note in enumerate(reversed(summary.notes)):
        pen.text(LEFT, BOTTOM + _NOTE_LEADING * place, note, size=7.5, color=MUTED, width=INNER)


def _spread(number: int) -> list[tuple[float, float]]:
    """Return where *number* things of equal width begin, and how wide they are."""
    if not number:
        return []
    width = (INNER - _GAP * (number - 1)) / number
    return [(LEFT + place * (width + _GAP), width) for place in range(number)]


def _tiles(pen: Pen, locale: LocaleFormat, figures: Sequence[Figure], y: float) -> float:
    """Draw the figures in rows and return the height below them."""
    shown = figures[: _TILES_A_ROW * _TILE_ROWS]
    for first in range(0, len(shown), _TILES_A_ROW):
        row = shown[first : first + _TILES_A_ROW]
        # A last row that is not full keeps the width of those above it.
        columns = len(row) if first == 0 else _TILES_A_ROW
        for (x, width), figure in zip(_spread(columns), row, strict=False):
            _tile(pen, locale, figure, x, y, width)
        y -= _TILE_HEIGHT + _GAP
    return y - 4 if shown else y


def _tile(pen: Pen, locale: LocaleFormat, figure: Figure, x: float, y: float, width: float) -> None:
    pen.rounded(x, y - _TILE_HEIGHT, width, _TILE_HEIGHT, TILE)
    pen.area(x, y - _TILE_HEIGHT + 6, 2.5, _TILE_HEIGHT - 12, ACCENT)
    pen.text(x + 12, y - 17, figure.label, size=8, color=MUTED, width=width - 24)
    value = (
        locale.money(figure.value, figure.currency)
        if figure.currency
        else locale.number(figure.value)
    )
    color = NEGATIVE if figure.value < 0 else INK
    pen.text(x + 12, y - 38, value, size=16, bold=True, color=color, width=width - 24)


def _panel(pen: Pen, x: float, y: float, width: float, title: str) -> None:
    pen.text(x, y - 9, title, size=10, bold=True, color=ACCENT, width=width)


def _ranking(
    pen: Pen, locale: LocaleFormat, ranking: Ranking, x: float, y: float, width: float,
    height: float,
) -> None:  # fmt: skip
    """Draw as many ranks as fit, each over a bar as long as its share of the greatest."""
    rows = ranking.rows[: max(1, int(height // _RANK_LEADING))]
    greatest = max((amount for _, amount in rows), default=0)
    for label, amount in rows:
        if amount > 0:
            pen.area(x, y - _RANK_LEADING + 2, width * float(amount / greatest), 13, SOFT)
        text = locale.amount(amount, ranking.currency)
        room = width - text_width(text, REGULAR, 8.5) - 20
        (name,) = wrapped(one_line(label), REGULAR, 8.5, room, 1)
        pen.text(x + 5, y - 10, name, size=8.5)
        color = NEGATIVE if amount < 0 else INK
        pen.text(x + width - 5, y - 10, text, size=8.5, color=color, align="right")
        y -= _RANK_LEADING
