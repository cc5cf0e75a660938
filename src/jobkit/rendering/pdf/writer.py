"""Writing a report as a PDF, row by row."""

from __future__ import annotations

from collections.abc import Iterable

from jobkit.rendering.pdf.pages import Pages
from jobkit.rendering.pdf.summary_page import draw_summary
from jobkit.rendering.pdf.table import Table
from jobkit.rendering.report import Output, Row, Summary, TableReport
from jobkit.rendering.tally import Tally

_SUMMARY = "summary"


def write_pdf(report: TableReport, rows: Iterable[Row], file: Output) -> Tally:
    """Write a PDF to *file* and return what was counted.

    The first page shows the summary, the table follows on pages of its own; a report without a
    summary has its table under the letterhead. Pages are kept in memory until the last is drawn,
    about a megabyte for a thousand rows.
    """
    tally = Tally(report.columns)
    pages = Pages(report, file)
    below = pages.letterhead()
    table: Table | None = None
    for row in rows:
        if table is None:
            table = _table(pages, below)
        tally.add(row)
        table.add(row)
    if table is not None:
        table.totals(tally)
    summary = report.summary() if report.summary else Summary()
    if table is None:
        pages.bookmark(report.title)
        draw_summary(pages, below, summary, empty=report.empty)
    pages.end()
    if table is not None and report.summary:
        with pages.form(_SUMMARY):
            draw_summary(pages, below, summary)
    pages.save()
    return tally


def _table(pages: Pages, below: float) -> Table:
    """Begin the table: under the letterhead, or after the page that is kept for the summary."""
    report = pages.report
    if report.summary is None:
        pages.bookmark(report.name)
        return Table(pages, below)
    pages.bookmark("Summary")
    # The page comes first and its numbers last: it refers to a form that is drawn at the end.
    pages.canvas.doForm(_SUMMARY)
    pages.next()
    pages.bookmark(report.name)
    return Table(pages, pages.running_head())
