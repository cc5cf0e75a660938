"""Writing a report as a workbook, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from jobkit.rendering.report import Output, Row, Summary, TableReport
from jobkit.rendering.tally import Tally
from jobkit.rendering.xlsx.cells import TableCells
from jobkit.rendering.xlsx.summary_sheet import prepare, write_summary

ROWS_A_SHEET = 1_000_000
"""A sheet ends at 1,048,576 rows (ECMA-376); the rest is for header and totals."""


def write_xlsx(
    report: TableReport, rows: Iterable[Row], file: Output, *, rows_a_sheet: int = ROWS_A_SHEET
) -> Tally:
    """Write a workbook to *file* and return what was counted.

    A summary first, then the table with real numbers and dates. Rows go through a temporary file
    and not through memory; tables longer than *rows_a_sheet* go on in further sheets.
    """
    tally = Tally(report.columns)
    book = Workbook(write_only=True)
    book.properties.title = report.title
    book.properties.creator = report.sender.name
    book.properties.created = report.generated_at.astimezone(UTC).replace(tzinfo=None)
    with _no_leftovers(book):
        summary = book.create_sheet("Summary")
        prepare(summary)
        table = _Table(book, report)
        for row in rows:
            if tally.rows and tally.rows % rows_a_sheet == 0:
                table.finish()
                table = _Table(book, report)
            tally.add(row)
            table.add(row)
        table.total(tally)
        table.finish()
        write_summary(summary, report, report.summary() if report.summary else Summary())
        book.save(file)
    return tally


class _Table:
    """Fill one sheet with the table's header and rows."""

    def __init__(self, book: Workbook, report: TableReport) -> None:
        number = len(book.worksheets)
        self._sheet = book.create_sheet(report.name if number == 1 else f"{report.name} {number}")
        self._last_column = get_column_letter(len(report.columns))
        self._rows = 0
        # All this stands before the rows in the file, so it has to be known first.
        for place, column in enumerate(report.columns, start=1):
            self._sheet.column_dimensions[get_column_letter(place)].width = column.width + 2
        self._sheet.freeze_panes = "A2"
        self._sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        self._cells = TableCells(self._sheet, report.columns, report.zone)
        self._sheet.append(self._cells.header())

    def add(self, row: Row) -> None:
        self._sheet.append(self._cells.row(row))
        self._rows += 1

    def total(self, tally: Tally) -> None:
        for cells in self._cells.totals(tally):
            self._sheet.append(cells)

    def finish(self) -> None:
        """Set what stands behind the rows: the filter, and how the sheet is printed."""
        self._sheet.auto_filter.ref = f"A1:{self._last_column}{self._rows + 1}"
        self._sheet.print_title_rows = "1:1"
        self._sheet.page_setup.orientation = "landscape"
        self._sheet.page_setup.fitToHeight = 0
        self._sheet.oddFooter.right.text = "&P / &N"


@contextmanager
def _no_leftovers(book: Workbook) -> Iterator[None]:
    """Remove the temporary files of a workbook that is not finished.

    openpyxl would keep them until the process ends, which a worker does not do for days.
    """
    try:
        yield
    except BaseException:
        for sheet in book.worksheets:
            writer: Any = sheet._writer
            if writer is not None:
                if not sheet.closed:
                    sheet.close()
                with suppress(FileNotFoundError):
                    writer.cleanup()
        raise
