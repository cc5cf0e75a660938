"""A small report, its rows, and what other libraries read in the files it becomes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pdfplumber
from pdfplumber.page import Page

from jobkit.rendering import FORMATS, Column, Kind, Row, Sender, TableReport, Tally

COLUMNS = (
    Column("at", "Date", Kind.MOMENT, width=18),
    Column("product", "Product", width=30, lines=3),
    Column("pieces", "Pieces", Kind.INTEGER, total=True),
    Column("weight", "Weight", Kind.NUMBER),
    Column("total", "Total", Kind.MONEY, width=14, total=True),
    Column("currency", "Currency", Kind.CURRENCY, width=9),
)
NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)


def report(**changes: Any) -> TableReport:
    """Return a declaration; *changes* are its fields."""
    declared = {
        "title": "Sales report",
        "columns": COLUMNS,
        "sender": Sender("Corner Shop", ("1 High Street", "Accra")),
        "generated_at": datetime(2025, 2, 1, 8, 30, tzinfo=UTC),
        "name": "Sales",
        "period": (date(2025, 1, 1), date(2025, 1, 31)),
    }
    return TableReport(**{**declared, **changes})


def row(product: str = "Rice", total: str = "12.50", currency: str = "EUR", **changes: Any) -> Row:
    """Return a row; *changes* are `at`, `pieces` and `weight`."""
    cells = {"at": NOON, "pieces": 1, "weight": Decimal("0.5"), **changes}
    return (cells["at"], product, cells["pieces"], cells["weight"], Decimal(total), currency)


def rendered(
    kind: str, rows: Iterable[Row], declared: TableReport | None = None
) -> tuple[bytes, Tally]:
    """Return the bytes of a report, written to a file that can do nothing but write."""
    content = bytearray()

    class OnlyWrites(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            content.extend(data)
            return len(data)

    tally = FORMATS[kind].write(declared or report(), rows, OnlyWrites())  # type: ignore[arg-type]
    return bytes(content), tally


def csv_rows(content: bytes) -> list[list[str]]:
    """Return every record, the header first."""
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def workbook(content: bytes) -> Any:
    """Return the workbook as openpyxl reads it."""
    return openpyxl.load_workbook(io.BytesIO(content))


def sheet_rows(sheet: Any) -> list[tuple[Any, ...]]:
    """Return the values of a sheet, the header first."""
    return list(sheet.iter_rows(values_only=True))


def pdf_texts(content: bytes) -> list[str]:
    """Return the text of each page."""
    with pdfplumber.open(io.BytesIO(content)) as document:
        return [page.extract_text() for page in document.pages]


def words(page: Page) -> dict[str, Any]:
    """Return the words of a page with their places; the last of those that are equal."""
    return {word["text"]: word for word in page.extract_words()}
