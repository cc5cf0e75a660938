"""The first sheet of a workbook: what the report says of the whole."""

from __future__ import annotations

from typing import Any

from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font
from openpyxl.worksheet.properties import PageSetupProperties

from jobkit.rendering.locale_format import LocaleFormat
from jobkit.rendering.report import Bars, Figure, Ranking, Summary, TableReport
from jobkit.rendering.theme import ACCENT, MUTED
from jobkit.rendering.xlsx.cells import font, money_format, number_cell, text_cell

_PLAIN = font()
_TITLE = font(bold=True, size=18, color=ACCENT)
_NAME = font(bold=True, size=12)
_HEADING = font(bold=True, size=12, color=ACCENT)
_MUTED = font(color=MUTED)
_WIDTHS = {"A": 38, "B": 18, "C": 10, "D": 4}
_CHART_ROWS = 18


def prepare(sheet: Any) -> None:
    """Set what has to be set before the first row is written."""
    for letter, width in _WIDTHS.items():
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def write_summary(sheet: Any, report: TableReport, summary: Summary) -> None:
    """Write the letterhead, the figures, the rankings, and the amounts with a chart of each."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    lines = _Lines(sheet)
    _letterhead(lines, report)
    for figure in summary.figures:
        lines.figure(figure)
    for ranking in summary.rankings:
        _ranking(lines, ranking)
    locale = LocaleFormat(report.locale, report.zone)
    for place, bars in enumerate(summary.bars):
        _bars(lines, bars, locale, place)
    lines.skip()
    for note in summary.notes:
        lines.text(note, _MUTED)


class _Lines:
    """Write line after line, and know which is next."""

    def __init__(self, sheet: Any) -> None:
        self.sheet = sheet
        self.next = 1

    def add(self, *cells: Any) -> None:
        self.sheet.append(list(cells))
        self.next += 1

    def skip(self) -> None:
        self.add()

    def text(self, text: str, look: Font = _PLAIN) -> None:
        self.add(text_cell(self.sheet, text, font=look))

    def figure(self, figure: Figure) -> None:
        number_format = money_format(figure.currency) if figure.currency else "#,##0.###"
        if figure.value == int(figure.value) and not figure.currency:
            number_format = "#,##0"
        self.add(
            text_cell(self.sheet, figure.label),
            number_cell(self.sheet, figure.value, number_format, font=font(bold=True)),
            text_cell(self.sheet, figure.currency or ""),
        )


def _letterhead(lines: _Lines, report: TableReport) -> None:
    locale = LocaleFormat(report.locale, report.zone)
    lines.text(report.sender.name, _NAME)
    for line in report.sender.lines:
        lines.text(line, _MUTED)
    lines.skip()
    lines.text(report.title, _TITLE)
    if report.period:
        lines.text(locale.period(*report.period))
    lines.text(f"Generated {locale.moment(report.generated_at)} ({report.zone})", _MUTED)
    lines.skip()


def _ranking(lines: _Lines, ranking: Ranking) -> None:
    lines.skip()
    lines.text(ranking.title, _HEADING)
    for label, amount in ranking.rows:
        lines.figure(Figure(label, amount, ranking.currency))


def _bars(lines: _Lines, bars: Bars, locale: LocaleFormat, place: int) -> None:
    lines.skip()
    lines.text(bars.title, _HEADING)
    first = lines.next
    for start, amount in bars.bars:
        lines.figure(Figure(locale.label(start, bars.unit), amount, bars.currency))
    if bars.bars:
        chart = _chart(lines.sheet, bars, first, lines.next - 1)
        lines.sheet.add_chart(chart, f"E{2 + place * _CHART_ROWS}")


def _chart(sheet: Any, bars: Bars, first: int, last: int) -> Any:
    chart = BarChart()
    chart.title = bars.title
    chart.legend = None
    chart.width, chart.height, chart.gapWidth = 24, 8, 60
    chart.add_data(Reference(sheet, min_col=2, min_row=first, max_row=last))
    chart.set_categories(Reference(sheet, min_col=1, min_row=first, max_row=last))
    chart.series[0].graphicalProperties.solidFill = ACCENT
    chart.y_axis.number_format = "#,##0"
    chart.y_axis.delete = chart.x_axis.delete = False  # openpyxl hides both by default.
    return chart
