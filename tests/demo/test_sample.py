from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from jobkit.demo.sample import FIRST_DAY, LAST_DAY, SHOP, SampleSales

START = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_shop_sells_at_least_fifty_thousand_lines_in_a_year() -> None:
    began = time.process_time()

    count = SampleSales().count(SHOP.id, START, END)

    assert 50_000 <= count <= 70_000
    assert time.process_time() - began < 5
    assert (LAST_DAY - FIRST_DAY).days == 364


def test_the_sales_are_always_the_same_whatever_range_they_are_asked_for_in() -> None:
    week = (START + timedelta(days=100), START + timedelta(days=107))
    middle = START + timedelta(days=103, hours=11)

    whole = list(SampleSales().sales(SHOP.id, *week))
    halves = [
        *SampleSales().sales(SHOP.id, week[0], middle),
        *SampleSales().sales(SHOP.id, middle, week[1]),
    ]

    assert halves == whole
    assert SampleSales().count(SHOP.id, *week) == len(whole)


def test_the_sales_are_such_as_a_shop_has() -> None:
    sales = list(SampleSales().sales(SHOP.id, START, START + timedelta(days=31)))

    moments = [sale.sold_at for sale in sales]
    assert moments == sorted(moments)
    assert any(sale.total < 0 for sale in sales), "some goods come back"
    assert all(sale.total == sale.quantity * sale.unit_price for sale in sales)
    assert any(sale.total % 1 for sale in sales), "not all prices are round"
    assert {sale.currency for sale in sales} == {SHOP.currency}
    assert sum(sale.total for sale in sales) > Decimal(100_000)


def test_others_have_no_sales() -> None:
    assert SampleSales().count("another-shop", START, END) == 0
