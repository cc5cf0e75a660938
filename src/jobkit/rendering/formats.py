"""The formats a report comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jobkit.rendering.csv_writer import write_csv
from jobkit.rendering.report import Output, Row, TableReport
from jobkit.rendering.tally import Tally

Writer = Callable[[TableReport, Iterable[Row], Output], Tally]


@dataclass(frozen=True)
class Format:
    """Say how a report becomes a file of one kind."""

    name: str
    """What a file's name ends in."""

    media_type: str
    write: Writer


def _write_xlsx(report: TableReport, rows: Iterable[Row], file: Output) -> Tally:
    # Imported when it is needed: a host's web process declares tasks and draws nothing.
    from jobkit.rendering.xlsx import write_xlsx

    return write_xlsx(report, rows, file)


def _write_pdf(report: TableReport, rows: Iterable[Row], file: Output) -> Tally:
    from jobkit.rendering.pdf import write_pdf

    return write_pdf(report, rows, file)


FORMATS = {
    format.name: format
    for format in (
        Format("csv", "text/csv; charset=utf-8", write_csv),
        Format(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            _write_xlsx,
        ),
        Format("pdf", "application/pdf", _write_pdf),
    )
}
"""Every format by its name."""
