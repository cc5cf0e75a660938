"""`jobkit demo --once` as a newcomer runs it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import pdfplumber
import pytest

from jobkit.embedded import EmbeddedServer


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demonstration_makes_three_files_that_agree(tmp_path: Path) -> None:
    path = os.pathsep.join(path for path in sys.path if path)
    folder = tmp_path / "demo"

    ran = subprocess.run(
        [sys.executable, "-m", "jobkit", "demo", "--once", "--dir", str(folder)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
        # What a host has set must not reach it.
        env={**os.environ, "PYTHONPATH": path, "JOBKIT_STORE_URL": "sqlite:////nowhere/at.all"},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = [Path(line.strip()) for line in ran.stdout.splitlines() if line.startswith("      /")]
    files = {path.suffix: path for path in told}
    rows, total = of_csv(files[".csv"])
    assert rows >= 50_000
    assert of_workbook(files[".xlsx"]) == total
    assert f"{total:,}" in last_page(files[".pdf"])
    assert not EmbeddedServer(folder / "server").is_running()


def of_csv(path: Path) -> tuple[int, Decimal]:
    """Return how many rows there are, and their total."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        totals = [Decimal(row["Total"]) for row in csv.DictReader(file)]
    return len(totals), sum(totals, Decimal(0))


def of_workbook(path: Path) -> Decimal:
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        *_, last = book["Sales"].iter_rows(values_only=True)
    finally:
        book.close()
    return Decimal(str(last[7]))


def last_page(path: Path) -> str:
    with pdfplumber.open(path) as book:
        return book.pages[-1].extract_text()
