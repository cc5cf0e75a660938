from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests.rendering.reports import csv_rows, rendered, report, row

from jobkit.rendering import Column, Kind


def test_a_header_and_the_rows_and_nothing_else() -> None:
    content, _ = rendered("csv", [row("Rice", "12.50"), row("Milk", "-0.95", "USD")])

    assert csv_rows(content) == [
        ["Date", "Product", "Pieces", "Weight", "Total", "Currency"],
        ["2025-01-31 12:00:00+00:00", "Rice", "1", "0.5", "12.50", "EUR"],
        ["2025-01-31 12:00:00+00:00", "Milk", "1", "0.5", "-0.95", "USD"],
    ]


def test_records_are_separated_as_rfc_4180_has_it() -> None:
    content, _ = rendered("csv", [row('A "big", box\nof rice')])

    assert content.count(b"\r\n") == 2
    assert b'"A ""big"", box\nof rice"' in content


def test_an_empty_table_is_its_header() -> None:
    content, tally = rendered("csv", [])

    assert csv_rows(content) == [["Date", "Product", "Pieces", "Weight", "Total", "Currency"]]
    assert (tally.rows, tally.totals) == (0, {})


def test_moments_are_written_in_the_reports_zone_with_the_offset() -> None:
    late = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)

    content, _ = rendered("csv", [row(at=late)], report(zone=ZoneInfo("Asia/Kolkata")))

    assert csv_rows(content)[1][0] == "2025-02-01 05:00:00+05:30"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_text_that_a_spreadsheet_might_run_is_neutralised(first: str) -> None:
    content, _ = rendered("csv", [row(f"{first}cmd|' /C calc'!A0")])

    assert csv_rows(content)[1][1] == f"'{first}cmd|' /C calc'!A0"


def test_negative_numbers_are_numbers_and_not_formulas() -> None:
    content, _ = rendered("csv", [row(total="-12.50", pieces=-3, weight=Decimal("-0.5"))])

    assert csv_rows(content)[1][2:5] == ["-3", "-0.5", "-12.50"]


@pytest.mark.parametrize("amount", ["1E+6", "0E-8", "123456789012345678901234567890.12"])
def test_decimals_are_written_digit_by_digit(amount: str) -> None:
    content, _ = rendered("csv", [row(total=amount)])

    written = csv_rows(content)[1][4]
    assert Decimal(written) == Decimal(amount)
    assert "E" not in written


def test_letters_of_all_scripts_are_kept_and_halves_of_letters_replaced() -> None:
    content, _ = rendered("csv", [row("日本茶 чай \U0001f375"), row("half \ud83c")])

    assert [record[1] for record in csv_rows(content)[1:]] == ["日本茶 чай \U0001f375", "half ?"]


def test_a_value_that_is_missing_is_an_empty_cell() -> None:
    columns = (Column("name", "Name"), Column("day", "Day", Kind.DATE))

    content, _ = rendered(
        "csv", [(None, date(2025, 1, 31)), ("Ama", None)], report(columns=columns)
    )

    assert csv_rows(content)[1:] == [["", "2025-01-31"], ["Ama", ""]]


def test_rows_are_poured_while_they_come() -> None:
    written: list[int] = []

    class Counting:
        def write(self, data: bytes) -> None:
            written.append(len(data))

    def many() -> object:
        for _ in range(5_000):
            yield row()
        # Before the last row was asked for, most of the file had been written.
        assert sum(written) > 4_000 * 40

    from jobkit.rendering.csv_writer import write_csv

    write_csv(report(), many(), Counting())  # type: ignore[arg-type]
