from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from jobkit.rendering import Figure
from jobkit.tasks.reports.sales_figures import SalesFigures
from jobkit.testing.contracts.sales import sale

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)


def figures(days: int = 31, zone: str = "UTC") -> SalesFigures:
    start = date(2025, 1, 1)
    return SalesFigures(start, start + timedelta(days=days - 1), ZoneInfo(zone), "EUR")


def test_lines_of_one_sale_are_one_sale() -> None:
    gathered = figures()

    for sale_id in ("1", "1", "2"):
        gathered.add(sale(sale_id, total=Decimal(10)))

    shown = {figure.label: figure for figure in gathered.summary().figures}
    assert shown["Sales"].value == 2
    assert shown["Average sale"] == Figure("Average sale", Decimal("15.00"), "EUR")


def test_a_refund_is_no_sale() -> None:
    gathered = figures()

    gathered.add(sale("1", total=Decimal(10)))
    gathered.add(sale("2", quantity=Decimal(-1), total=Decimal(-4)))

    shown = {figure.label: figure.value for figure in gathered.summary().figures}
    assert shown == {
        "Net sales": 6, "Refunds": -4, "Sales": 1, "Average sale": 10, "Items sold": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("days", "unit"),
    [(1, "day"), (45, "day"), (46, "month"), (1100, "month"), (1101, "year"), (5000, "year")],
)
def test_the_chart_is_by_days_months_or_years_as_the_period_is_long(days: int, unit: str) -> None:
    gathered = figures(days)

    gathered.add(sale("1", NOON))

    (bars,) = gathered.summary().bars
    assert (bars.unit, bars.title) == (unit, f"Net sales by {unit}")


def test_days_without_sales_have_their_place_in_the_chart() -> None:
    gathered = figures()

    for day in (1, 4):
        gathered.add(sale(str(day), NOON.replace(day=day), total=Decimal(day)))

    (bars,) = gathered.summary().bars
    assert [amount for _, amount in bars.bars] == [1, 0, 0, 4]


def test_months_follow_each_other_over_the_turn_of_the_year() -> None:
    gathered = figures(400)

    gathered.add(sale("1", datetime(2025, 11, 30, 12, tzinfo=UTC)))
    gathered.add(sale("2", datetime(2026, 2, 28, 12, tzinfo=UTC)))

    (bars,) = gathered.summary().bars
    assert [str(start)[:7] for start, _ in bars.bars] == [
        "2025-11",
        "2025-12",
        "2026-01",
        "2026-02",
    ]


def test_the_chart_counts_a_sale_to_the_tenants_day() -> None:
    gathered = figures(zone="Asia/Kolkata")

    gathered.add(sale("1", datetime(2025, 1, 15, 23, 30, tzinfo=UTC)))

    (bars,) = gathered.summary().bars
    assert bars.bars == ((date(2025, 1, 16), Decimal("12.50")),)


def test_the_greatest_come_first_and_equals_by_name() -> None:
    gathered = figures()

    for number in range(12):
        gathered.add(sale(str(number), product=f"P{number:02}", total=Decimal(min(number, 9))))

    ranking = gathered.summary().rankings[0]
    assert [name for name, _ in ranking.rows[:4]] == ["P09", "P10", "P11", "P08"]
    assert len(ranking.rows) == 8


def test_payment_methods_are_ranked_where_they_are_known() -> None:
    gathered = figures()

    gathered.add(sale("1"))
    assert [ranking.title for ranking in gathered.summary().rankings] == ["Best sellers"]

    gathered.add(replace(sale("2"), payment_method="Cash"))
    assert gathered.summary().rankings[1].rows == (("Cash", Decimal("12.50")),)


def test_currencies_stand_beside_each_other_and_two_have_charts() -> None:
    gathered = figures()

    for number, currency in enumerate(["EUR", "EUR", "USD", "GHS", "USD", "USD"]):
        gathered.add(sale(str(number), currency=currency))

    summary = gathered.summary()
    assert [figure.label for figure in summary.figures] == [
        "Net sales, USD", "Net sales, EUR", "Net sales, GHS", "Sales", "Items sold",
    ]  # fmt: skip
    assert [bars.title for bars in summary.bars] == [
        "Net sales by day, USD",
        "Net sales by day, EUR",
    ]
    assert any("not added up" in note for note in summary.notes)


def test_a_period_without_sales_has_figures_of_nothing() -> None:
    summary = figures().summary()

    assert summary.figures[0] == Figure("Net sales", Decimal(0), "EUR")
    assert (summary.bars, summary.rankings) == ((), ())
