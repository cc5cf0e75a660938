"""Tables as csv: for programs, and for spreadsheets that must not run what customers typed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from jobkit.rendering.cell_text import neutral
from jobkit.rendering.report import Column, Kind, Output, Row, TableReport
from jobkit.rendering.tally import Tally

_ROWS_AT_ONCE = 1000


def write_csv(report: TableReport, rows: Iterable[Row], file: Output) -> Tally:
    """Write the table to *file* as RFC 4180 has it, in UTF-8, and return what was counted.

    A header and the rows, nothing else, so that a program can add up a column. Numbers have a
    decimal point and no grouping; moments are ISO 8601 in the report's zone, with the offset.
    """
    tally = Tally(report.columns)
    cells = [_cell(column, report.zone) for column in report.columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([neutral(column.title) for column in report.columns])
    for row in rows:
        tally.add(row)
        paired = zip(cells, row, strict=True)
        writer.writerow(["" if value is None else cell(value) for cell, value in paired])
        if tally.rows % _ROWS_AT_ONCE == 0:
            _pour(text, file)
    _pour(text, file)
    return tally


def _pour(text: io.StringIO, file: Output) -> None:
    # A name may hold half a surrogate pair; one letter less is better than no report.
    file.write(text.getvalue().encode("utf-8", "replace"))
    text.seek(0)
    text.truncate()


def _cell(column: Column, zone: tzinfo) -> Callable[[Any], str]:
    if column.kind.numeric:
        return _number
    if column.kind is Kind.MOMENT:
        return lambda moment: moment.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    if column.kind is Kind.DATE:
        return lambda day: day.isoformat()
    return lambda value: neutral(str(value))


def _number(value: Decimal | int) -> str:
    # "f": never an exponent, which spreadsheets would take for an approximation.
    return format(value, "f") if isinstance(value, Decimal) else str(value)
