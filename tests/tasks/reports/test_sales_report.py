from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.rendering.reports import csv_rows, pdf_texts, sheet_rows, workbook
from tests.tasks.reports.shop import SHOP, payload, reported

from jobkit.adapters.bundled import LocalFiles
from jobkit.adapters.files import FileStorage
from jobkit.adapters.memory import MemoryFiles, MemorySales, MemoryTenants
from jobkit.adapters.sales import Sale, SalesData
from jobkit.adapters.tenants import Tenants
from jobkit.errors import Cancelled, PermanentError, TransientError, UnknownTenant
from jobkit.tasks.reports import SalesReport, generate_sales_report
from jobkit.testing import Recorder, run_task
from jobkit.testing.contracts.sales import sale

JANUARY = datetime(2025, 1, 15, 12, tzinfo=UTC)


def sold(*totals: str, currency: str = "EUR") -> list[Sale]:
    """Return a sale for each total, a minute apart."""
    moments = [JANUARY + timedelta(minutes=number) for number in range(len(totals))]
    return [
        sale(f"S-{number}", moment, total=Decimal(total), currency=currency)
        for number, (moment, total) in enumerate(zip(moments, totals, strict=True))
    ]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class BreaksAfter:
    """Yield some sales and raise an error."""

    def __init__(self, rows: int, error: BaseException) -> None:
        self.rows, self.error = rows, error

    def sales(self, tenant_id: str, start: datetime, end: datetime) -> Iterator[Sale]:
        yield from sold(*["1.00"] * self.rows)
        raise self.error

    def count(self, tenant_id: str, start: datetime, end: datetime) -> int:
        return self.rows


# --- What comes out ----------------------------------------------------------------------------


def test_it_runs_as_in_a_worker_and_answers_where_the_file_is() -> None:
    files = MemoryFiles()
    adapters = {
        SalesData: MemorySales({SHOP.id: sold("12.50", "-2.25")}),
        Tenants: MemoryTenants(SHOP),
        FileStorage: files,
    }

    result = run_task(generate_sales_report, payload(), adapters=adapters).result

    content = files.content[result.name]
    assert result.totals == {"EUR": Decimal("10.25")}
    assert (result.rows, result.size) == (2, len(content))
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    assert result.media_type.startswith("text/csv")
    assert result.url == files.url(result.name)


def test_the_three_formats_agree_to_the_cent() -> None:
    sales = sold("0.10", "0.20", "1234.56", "-100.01")

    _, as_csv = reported(sales, format="csv")
    _, as_xlsx = reported(sales, format="xlsx")
    _, as_pdf = reported(sales, format="pdf")

    total = Decimal("1134.85")
    table = sheet_rows(workbook(as_xlsx)["Sales"])
    assert sum(Decimal(record[7]) for record in csv_rows(as_csv)[1:]) == total
    assert sum(Decimal(str(line[7])) for line in table[1:-1]) == total
    assert Decimal(str(table[-1][7])) == total
    assert "Total EUR 4 1,134.85 EUR" in pdf_texts(as_pdf)[-1]
    assert "€1,134.85" in pdf_texts(as_pdf)[0]


def test_currencies_have_totals_of_their_own() -> None:
    sales = [*sold("0.10", "0.20"), *sold("1000", currency="JPY")]

    result, as_pdf = reported(sales, format="pdf")

    assert result.totals == {"EUR": Decimal("0.30"), "JPY": Decimal(1000)}
    first, *_, last = pdf_texts(as_pdf)
    assert "Net sales, EUR Net sales, JPY Sales Items sold" in first
    assert "€0.30 JP¥1,000 3 3" in first
    assert "Total EUR 2 0.30 EUR" in last
    assert "Total JPY 1 1,000 JPY" in last
    assert "1,000.30" not in first + last


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_a_period_without_sales_is_an_empty_report(kind: str) -> None:
    result, content = reported([], format=kind)

    assert (result.rows, result.totals) == (0, {})
    assert content
    if kind == "pdf":
        (text,) = pdf_texts(content)
        assert "No sales in this period." in text
        assert "€0.00" in text


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_one_sale_is_a_report_of_one_row(kind: str) -> None:
    result, _ = reported(sold("12.50"), format=kind)

    assert (result.rows, result.totals) == (1, {"EUR": Decimal("12.50")})


def test_refunds_are_taken_off_and_shown() -> None:
    _, as_pdf = reported(sold("100.00", "-30.00"), format="pdf")

    first, last = pdf_texts(as_pdf)
    assert "Net sales Refunds Sales Average sale Items sold" in first
    assert "€70.00 -€30.00 1 €100.00 2" in first
    assert "-30.00 EUR" in last


def test_what_customers_typed_is_never_run() -> None:
    evil = replace(sold("1.00")[0], product='=HYPERLINK("http://x")', customer="@SUM(1)")

    _, as_csv = reported([evil], format="csv")
    _, as_xlsx = reported([evil], format="xlsx")

    assert csv_rows(as_csv)[1][2:4] == ['\'=HYPERLINK("http://x")', "'@SUM(1)"]
    assert workbook(as_xlsx)["Sales"]["C2"].data_type == "s"


# --- Days --------------------------------------------------------------------------------------


def test_both_days_belong_to_the_report_and_no_other() -> None:
    moments = {
        "before": datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC),
        "first": datetime(2025, 1, 1, tzinfo=UTC),
        "last": datetime(2025, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "after": datetime(2025, 2, 1, tzinfo=UTC),
    }

    _, content = reported([sale(name, moment) for name, moment in moments.items()])

    assert [record[1] for record in csv_rows(content)[1:]] == ["first", "last"]


def test_a_late_sale_in_utc_belongs_to_the_next_day_in_kolkata() -> None:
    late = sale("late", datetime(2025, 1, 15, 23, 30, tzinfo=UTC))
    kolkata = replace(SHOP, timezone="Asia/Kolkata")

    fifteenth, _ = reported([late], kolkata, start_date="2025-01-15", end_date="2025-01-15")
    sixteenth, content = reported([late], kolkata, start_date="2025-01-16", end_date="2025-01-16")

    assert (fifteenth.rows, sixteenth.rows) == (0, 1)
    assert csv_rows(content)[1][0] == "2025-01-16 05:00:00+05:30"


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        # A day of 23 hours, one of 25, and one that begins at one o'clock.
        ("Europe/Berlin", "2025-03-30", "2025-03-29T23:00Z", "2025-03-30T21:59Z"),
        ("Europe/Berlin", "2025-10-26", "2025-10-25T22:00Z", "2025-10-26T22:59Z"),
        ("Africa/Cairo", "2025-04-25", "2025-04-24T22:00Z", "2025-04-25T20:59Z"),
    ],
)
def test_days_on_which_the_clock_is_changed_are_whole(
    zone: str, day: str, first: str, last: str
) -> None:
    start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    minute = timedelta(minutes=1)
    sales = [
        sale("before", start - minute), sale("first", start), sale("last", end),
        sale("after", end + minute),
    ]  # fmt: skip

    _, content = reported(sales, replace(SHOP, timezone=zone), start_date=day, end_date=day)

    assert [record[1] for record in csv_rows(content)[1:]] == ["first", "last"]


# --- What goes wrong ---------------------------------------------------------------------------


def test_an_end_before_the_start_is_refused_when_the_job_is_made() -> None:
    with pytest.raises(ValueError, match=r"end_date 2024-12-31 is before start_date 2025-01-01"):
        payload(end_date=date(2024, 12, 31))


@pytest.mark.parametrize("change", [{"format": "docx"}, {"tenant_id": ""}, {"end_date": date.max}])
def test_what_cannot_be_reported_is_refused_when_the_job_is_made(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        payload(**change)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_first_and_the_last_day_that_are_taken_work_everywhere(zone: str) -> None:
    result, _ = reported(
        sold("1.00"), replace(SHOP, timezone=zone), start_date="0001-01-03", end_date="9999-12-28"
    )

    assert result.rows == 1


def test_a_tenant_that_is_not_there_is_a_permanent_error() -> None:
    files = MemoryFiles()

    with pytest.raises(UnknownTenant, match="nobody") as raised:
        reported([], files=files, tenant_id="nobody")

    assert isinstance(raised.value, PermanentError)
    assert files.content == {}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
@pytest.mark.parametrize("error", [TransientError("the database went away"), SystemExit()])
def test_a_job_that_fails_leaves_no_file(kind: str, error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        reported(BreaksAfter(300, error), files=LocalFiles(tmp_path), format=kind)

    assert files_in(tmp_path) == []


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_a_cancelled_job_stops_within_a_chunk_and_leaves_no_file(kind: str, tmp_path: Path) -> None:
    recorder = Recorder(cancel_after=3)

    with pytest.raises(Cancelled):
        reported(sold(*["1.00"] * 2000), files=LocalFiles(tmp_path), recorder=recorder, format=kind)

    assert files_in(tmp_path) == []
    assert [shown.done for shown in recorder.progress] == [0, 250, 500]


def test_a_job_cancelled_after_its_last_row_leaves_no_file_either() -> None:
    # It looks before the first row, behind the last, and when the file is written.
    files, recorder = MemoryFiles(), Recorder(cancel_after=2)

    with pytest.raises(Cancelled):
        reported(sold("1.00"), files=files, recorder=recorder)

    assert files.content == {}


def test_another_attempt_replaces_the_file_of_the_first(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    first, _ = reported(sold("1.00"), files=files)

    again, content = reported(sold("1.00", "2.00"), files=files)

    assert again.name == first.name
    assert files_in(tmp_path) == [tmp_path / again.name]
    assert len(csv_rows(content)) == 3


def test_another_job_has_a_file_of_its_own() -> None:
    files = MemoryFiles()

    one, _ = reported([], files=files, job_id="job-1")
    two, _ = reported([], files=files, job_id="job-2")

    assert set(files.content) == {one.name, two.name}
    assert one.name == "reports/acme/sales_2025-01-01_2025-01-31_job-1.csv"


def test_a_failed_attempt_does_not_take_away_what_another_has_written() -> None:
    # A run that was given up for lost may wake up and fail when its successor is done.
    files = MemoryFiles()
    done, content = reported(sold("1.00"), files=files)

    with pytest.raises(TransientError):
        reported(BreaksAfter(1, TransientError()), files=files)

    assert files.content == {done.name: content}


# --- While it runs -----------------------------------------------------------------------------


def test_progress_is_shown_by_rows_up_to_the_last() -> None:
    recorder = Recorder()

    reported(sold(*["1.00"] * 620), recorder=recorder)

    assert [(shown.done, shown.of) for shown in recorder.progress] == [
        (0, 620), (250, 620), (500, 620), (620, 620),
    ]  # fmt: skip


def test_sales_that_come_in_meanwhile_do_not_upset_the_progress() -> None:
    class Growing(MemorySales):
        def count(self, tenant_id: str, start: datetime, end: datetime) -> int:
            return 100

    recorder = Recorder()

    reported(Growing({SHOP.id: sold(*["1.00"] * 300)}), recorder=recorder)

    assert [(shown.done, shown.of) for shown in recorder.progress] == [
        (0, 100), (250, 250), (300, 300),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_sales_are_never_held_all_at_once(kind: str) -> None:
    alive: set[int] = set()
    most = 0

    class Watched(Sale):
        def __del__(self) -> None:
            alive.discard(id(self))

    class Many:
        def sales(self, tenant_id: str, start: datetime, end: datetime) -> Iterator[Sale]:
            nonlocal most
            for line in sold(*["1.00"] * 50) * 20:
                made = Watched(**{name: getattr(line, name) for name in Sale.__slots__})
                alive.add(id(made))
                most = max(most, len(alive))
                yield made

        def count(self, tenant_id: str, start: datetime, end: datetime) -> int:
            return 1000

    result, _ = reported(Many(), format=kind)

    assert result.rows == 1000
    assert most < 5


def test_the_payload_says_in_its_schema_what_it_takes() -> None:
    schema = SalesReport.model_json_schema()

    assert schema["properties"]["format"]["enum"] == ["pdf", "xlsx", "csv"]
    assert schema["required"] == ["tenant_id", "start_date", "end_date", "format"]
