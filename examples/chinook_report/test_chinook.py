from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import openpyxl
import pdfplumber
import pytest
from examples.chinook_report.jobs import jobs

from jobkit import Jobkit, Settings
from jobkit.tasks.reports import SalesReport, SalesReportFile, generate_sales_report
from jobkit.testing import WorkerProcess

pytestmark = pytest.mark.reference

INVOICES = 412
LINES = 2240


@pytest.fixture(scope="module")
def chinook() -> Path:
    reference = os.environ.get("JOBKIT_REFERENCE")
    if reference is None:
        pytest.skip("JOBKIT_REFERENCE does not say where the reference material is")
    path = Path(reference) / "data" / "chinook.sqlite"
    if not path.exists():
        pytest.skip(f"there is no {path.name} in the reference material")
    return path


@pytest.fixture(scope="module")
def total(chinook: Path) -> Decimal:
    """Return SELECT SUM(Total) FROM Invoice, to the cent."""
    with closing(sqlite3.connect(f"{chinook.as_uri()}?mode=ro", uri=True)) as connection:
        count, text = connection.execute(
            "SELECT count(*), printf('%.2f', SUM(Total)) FROM Invoice"
        ).fetchone()
    assert count == INVOICES
    return Decimal(text)


@pytest.fixture(scope="module")
def reports(
    chinook: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, SalesReportFile]]:
    """Have a real worker make the report of all invoices in each format."""
    folder = tmp_path_factory.mktemp("chinook")
    # Asked for by an application that shares nothing with the worker's but its store.
    host = Jobkit(Settings(data_dir=folder), tasks=jobs.tasks.declared)
    worker = WorkerProcess(
        "examples.chinook_report.jobs:jobs", data_dir=folder, env={"CHINOOK_DB": str(chinook)}
    )
    with worker:
        handles = {
            kind: host.enqueue(
                generate_sales_report,
                SalesReport(
                    tenant_id="chinook",
                    start_date=date(2021, 1, 1),
                    end_date=date(2025, 12, 31),
                    format=kind,
                ),
            )
            for kind in ("csv", "xlsx", "pdf")
        }
        yield {kind: handle.result(timeout=60) for kind, handle in handles.items()}
    host.close()


def path_of(report: SalesReportFile) -> Path:
    return Path(unquote(urlparse(report.url).path))


def test_the_answers_of_the_jobs_name_the_total(
    reports: dict[str, SalesReportFile], total: Decimal
) -> None:
    for report in reports.values():
        assert report.totals == {"USD": total}
        assert report.rows == LINES


def test_the_rows_of_the_csv_add_up_to_the_total(
    reports: dict[str, SalesReportFile], total: Decimal
) -> None:
    with path_of(reports["csv"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert sum(Decimal(row["Total"]) for row in rows) == total
    assert len({row["Sale"] for row in rows}) == INVOICES


def test_the_workbook_shows_the_total_and_its_cells_add_up_to_it(
    reports: dict[str, SalesReportFile], total: Decimal
) -> None:
    sheet: Any = openpyxl.load_workbook(path_of(reports["xlsx"]))["Sales"]
    header, *rows, last = sheet.iter_rows(values_only=True)

    column = header.index("Total")
    assert last[0] == "Total USD"
    assert Decimal(str(last[column])) == total
    assert sum(Decimal(str(row[column])) for row in rows) == total
    assert len({row[header.index("Sale")] for row in rows}) == INVOICES


def test_the_pdf_shows_the_total_on_its_first_page_and_under_the_table(
    reports: dict[str, SalesReportFile], total: Decimal
) -> None:
    with pdfplumber.open(path_of(reports["pdf"])) as document:
        first = document.pages[0].extract_text()
        last = document.pages[-1].extract_text()

    assert f"${total:,.2f}" in first
    assert f" {INVOICES} " in first
    assert f"Total USD {LINES:,} {total:,.2f} USD" in last
