from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from tests.rendering.reports import COLUMNS, report, row

from jobkit.rendering import Column, Kind, Tally


def test_currencies_are_never_added_to_each_other() -> None:
    tally = Tally(COLUMNS)

    for total, currency in (("0.10", "EUR"), ("5", "USD"), ("0.20", "EUR")):
        tally.add(row(total=total, currency=currency))

    assert tally.by_currency() == [
        ("EUR", {"pieces": 2, "total": Decimal("0.30")}),
        ("USD", {"pieces": 1, "total": Decimal("5")}),
    ]


def test_sums_are_exact_whatever_precision_the_host_has_set() -> None:
    tally = Tally(COLUMNS)

    with localcontext(prec=3):
        for _ in range(3):
            tally.add(row(total="1234567890.01"))

    assert tally.totals["EUR"]["total"] == Decimal("3703703670.03")


def test_missing_values_count_as_nothing() -> None:
    tally = Tally((Column("pieces", "Pieces", Kind.INTEGER, total=True),))

    tally.add((None,))
    tally.add((3,))

    assert (tally.rows, tally.totals) == (2, {"": {"pieces": 3}})


def test_money_without_a_currency_beside_it_is_refused() -> None:
    with pytest.raises(ValueError, match="CURRENCY"):
        report(columns=(Column("total", "Total", Kind.MONEY),))


def test_two_currency_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="one currency column"):
        report(columns=(Column("a", "A", Kind.CURRENCY), Column("b", "B", Kind.CURRENCY)))
