from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.rendering.reports import NOON, rendered, report, row, sheet_rows, workbook

from jobkit.rendering import Bars, Column, Figure, Kind, Ranking, Row, Summary
from jobkit.rendering.xlsx import write_xlsx

SUMMARY = Summary(
    figures=(Figure("Net sales", Decimal("1234.50"), "EUR"), Figure("Sales", 7)),
    bars=(
        Bars(
            "Net sales by month",
            "month",
            ((date(2025, 1, 1), Decimal(5)), (date(2025, 2, 1), Decimal("-2.5"))),
            "EUR",
        ),
    ),
    rankings=(Ranking("Best sellers", (("=Rice", Decimal("3.25")),), "EUR"),),
    notes=("Amounts are in euro.",),
)


def test_numbers_and_dates_are_what_they_are() -> None:
    content, _ = rendered("xlsx", [row("Rice", "-12.50")])

    header, first, _ = sheet_rows(workbook(content)["Sales"])
    assert header == ("Date", "Product", "Pieces", "Weight", "Total", "Currency")
    assert first == (datetime(2025, 1, 31, 12), "Rice", 1, 0.5, -12.5, "EUR")


def test_amounts_show_the_decimals_of_their_currency() -> None:
    content, _ = rendered("xlsx", [row(currency="EUR"), row(currency="JPY"), row(currency="KWD")])

    sheet = workbook(content)["Sales"]
    assert [sheet.cell(place, 5).number_format for place in (2, 3, 4)] == [
        "#,##0.00;[Red]-#,##0.00",
        "#,##0;[Red]-#,##0",
        "#,##0.000;[Red]-#,##0.000",
    ]
    assert sheet["A2"].number_format == "yyyy-mm-dd hh:mm"


def test_each_currency_has_a_total_of_its_own() -> None:
    content, tally = rendered(
        "xlsx", [row(total="0.10"), row(total="0.20"), row(total="7", currency="USD")]
    )

    totals = sheet_rows(workbook(content)["Sales"])[-2:]
    assert totals == [
        ("Total EUR", None, 2, None, 0.3, "EUR"),
        ("Total USD", None, 1, None, 7, "USD"),
    ]
    assert tally.totals["EUR"] == {"pieces": 2, "total": Decimal("0.30")}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "#N/A", "007", "TRUE"])
def test_text_stays_text_whatever_it_looks_like(text: str) -> None:
    content, _ = rendered("xlsx", [row(text)])

    cell = workbook(content)["Sales"]["B2"]
    assert (cell.value, cell.data_type) == (text, "s")


def test_text_that_looks_like_a_formula_stays_text_when_it_is_edited() -> None:
    content, _ = rendered("xlsx", [row("=1+1"), row("Rice")])

    sheet = workbook(content)["Sales"]
    assert sheet["B2"].quotePrefix
    assert not sheet["B3"].quotePrefix


def test_what_a_workbook_cannot_hold_is_replaced_or_cut() -> None:
    content, _ = rendered("xlsx", [row("a\0b\x1bc\ud800d\ufffee"), row("x" * 40_000)])

    sheet = workbook(content)["Sales"]
    assert sheet["B2"].value == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert sheet["B3"].value == "x" * 32_766 + "…"


def test_a_number_with_more_digits_than_a_double_keeps_them_as_text() -> None:
    content, _ = rendered(
        "xlsx", [row(total="12345678901234567.89"), row(total="1234567890123.45")]
    )

    sheet = workbook(content)["Sales"]
    assert sheet["E2"].value == "12345678901234567.89"
    assert sheet["E3"].value == 1234567890123.45


def test_moments_are_the_wall_clock_of_the_reports_zone() -> None:
    late = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)

    content, _ = rendered("xlsx", [row(at=late)], report(zone=ZoneInfo("Asia/Kolkata")))

    assert workbook(content)["Sales"]["A2"].value == datetime(2025, 2, 1, 5)


def test_days_before_the_calendar_of_workbooks_are_text() -> None:
    columns = (Column("day", "Day", Kind.DATE),)

    content, _ = rendered(
        "xlsx", [(date(1899, 12, 31),), (date(1900, 3, 1),)], report(columns=columns)
    )

    assert [value for (value,) in sheet_rows(workbook(content)["Sales"])[1:3]] == [
        "1899-12-31",
        datetime(1900, 3, 1),
    ]


def test_the_header_stays_in_sight_and_filters_the_rows_without_the_totals() -> None:
    content, _ = rendered("xlsx", [row(), row()])

    sheet = workbook(content)["Sales"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F3"
    assert sheet.print_title_rows == "$1:$1"


def test_the_summary_comes_first_with_figures_rankings_and_a_chart() -> None:
    content, _ = rendered("xlsx", [row()], report(summary=lambda: SUMMARY, locale="de"))

    book = workbook(content)
    lines = sheet_rows(book["Summary"])
    assert book.sheetnames == ["Summary", "Sales"]
    assert ("Corner Shop", None, None) in [line[:3] for line in lines]
    assert ("Net sales", 1234.5, "EUR") in lines
    assert ("Sales", 7, None) in lines
    assert ("=Rice", 3.25, "EUR") in lines
    assert ("Feb. 2025", -2.5, "EUR") in lines
    assert ("Amounts are in euro.", None, None) in lines
    assert len(book["Summary"]._charts) == 1


def test_the_summary_is_asked_for_when_all_rows_have_been_written() -> None:
    seen: list[Row] = []

    def rows() -> Iterator[Row]:
        for _ in range(3):
            seen.append(row())
            yield seen[-1]

    content, _ = rendered(
        "xlsx", rows(), report(summary=lambda: Summary(figures=(Figure("Rows", len(seen)),)))
    )

    assert ("Rows", 3, None) in sheet_rows(workbook(content)["Summary"])


def test_an_empty_table_is_a_workbook_with_a_header() -> None:
    content, _ = rendered("xlsx", [])

    assert len(sheet_rows(workbook(content)["Sales"])) == 1


def test_a_table_longer_than_a_sheet_goes_on_in_the_next() -> None:
    file = BytesIO()

    write_xlsx(report(), (row(str(number)) for number in range(5)), file, rows_a_sheet=2)

    book = workbook(file.getvalue())
    assert book.sheetnames == ["Summary", "Sales", "Sales 2", "Sales 3"]
    assert [line[1] for line in sheet_rows(book["Sales 2"])] == ["Product", "2", "3"]
    assert sheet_rows(book["Sales 3"])[-1][:3] == ("Total EUR", None, 5)


def test_the_document_says_what_it_is_and_whose() -> None:
    content, _ = rendered("xlsx", [])

    properties = workbook(content).properties
    assert (properties.title, properties.creator) == ("Sales report", "Corner Shop")
    assert properties.created == datetime(2025, 2, 1, 8, 30)


def test_a_workbook_that_is_not_finished_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken() -> Iterator[Row]:
        yield row()
        assert list(tmp_path.iterdir()), "rows should go through a temporary file"
        raise KeyError

    with pytest.raises(KeyError):
        write_xlsx(report(), broken(), BytesIO())

    assert not list(tmp_path.iterdir())
    write_xlsx(report(), [row(at=NOON)], BytesIO())
    assert not list(tmp_path.iterdir())
