"""Bar charts, drawn by reportlab.graphics."""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import Any

from reportlab.graphics import renderPDF
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor

from jobkit.rendering.pdf.pages import Pages
from jobkit.rendering.pdf.typeface import REGULAR, text_width
from jobkit.rendering.report import Bars
from jobkit.rendering.theme import ACCENT, MUTED, RULE

_SIZE = 7.0
_BROADEST = 60.0
_BELOW = 16.0
"""The room for the labels under the bars."""


def draw_bars(pages: Pages, x: float, y: float, width: float, height: float, bars: Bars) -> None:
    """Draw *bars* into the rectangle whose lower left corner is at *x*, *y*.

    Heights are drawn, so floats do; every number that can be read is written from the Decimal.
    """
    locale = pages.locale
    labels = [locale.label(start, bars.unit) for start, _ in bars.bars]
    amounts = [float(amount) for _, amount in bars.bars]
    chart = VerticalBarChart()
    axis = chart.valueAxis
    axis.valueMin = None if min(amounts) < 0 else 0
    axis.forceZero = True
    axis.rangeRound = "both"
    if not any(amounts):
        axis.valueMax = 1
    axis.labelTextFormat = lambda value: locale.number(Decimal(f"{value:.10g}"))
    _style_axis(axis, chart.categoryAxis)
    left = _label_room(pages, amounts)
    chart.x, chart.y = left, _BELOW
    chart.width, chart.height = width - left, height - _BELOW - 4
    chart.data = [amounts]
    # In tenths of a bar: narrow gaps between many bars, and no bar as broad as a wall.
    chart.groupSpacing = max(4, 10 * (chart.width / len(amounts) / _BROADEST - 1))
    chart.bars[0].fillColor = _color(ACCENT)
    chart.bars.strokeColor = None
    chart.categoryAxis.categoryNames = _thinned(labels, chart.width)
    drawing = Drawing(width, height)
    drawing.add(chart)
    renderPDF.draw(drawing, pages.canvas, x, y)


def _style_axis(values: Any, categories: Any) -> None:
    values.visibleGrid = True
    values.gridStrokeColor = _color(RULE)
    values.gridStrokeWidth = 0.4
    values.visibleAxis = values.visibleTicks = False
    values.maximumTicks = 6
    categories.strokeColor = _color(MUTED)
    categories.strokeWidth = 0.6
    categories.visibleTicks = False
    # Under the chart, also when some bars hang below zero.
    categories.labelAxisMode = "low"
    for labels in (values.labels, categories.labels):
        labels.fontName = REGULAR
        labels.fontSize = _SIZE
        labels.fillColor = _color(MUTED)
    categories.labels.dy = -3


def _label_room(pages: Pages, amounts: list[float]) -> float:
    """Return how much room the numbers beside the chart need."""
    greatest = max(abs(amount) for amount in amounts)
    text = pages.locale.number(-int(greatest * 1.2 + 1))
    return text_width(text, REGULAR, _SIZE) + 10


def _thinned(labels: list[str], width: float) -> list[str]:
    """Leave out labels that would run into each other."""
    widest = max(text_width(label, REGULAR, _SIZE) for label in labels) + 6
    step = max(1, ceil(widest * len(labels) / width))
    return [label if place % step == 0 else "" for place, label in enumerate(labels)]


def _color(color: str) -> Any:
    return HexColor(int(color, 16))
