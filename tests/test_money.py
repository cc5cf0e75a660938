"""Amounts of money in decimals and in minor units."""

from __future__ import annotations

import decimal
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobkit.money import exponent, from_minor, quantize, to_minor, total


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "EUR", 1234),
        ("12", "GHS", 1200),
        ("1E+3", "JPY", 1000),
        ("-0.005", "KWD", -5),
        ("12.3400", "USD", 1234),
        ("0.0001", "CLF", 1),
    ],
)
def test_amounts_are_counted_in_the_minor_unit_of_their_currency(
    amount: str, currency: str, minor: int
) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


def test_amounts_have_the_digits_of_their_currency() -> None:
    assert str(from_minor(1200, "GHS")) == "12.00"
    assert str(from_minor(5, "JPY")) == "5"
    assert str(quantize(Decimal("1E+2"), "EUR")) == "100.00"


@given(st.integers(-(10**30), 10**30), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_minor_units_come_back(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor


def test_an_amount_with_more_digits_than_its_currency_is_refused() -> None:
    with pytest.raises(ValueError, match=r"12\.345 EUR has more than 2 digits .* quantize"):
        to_minor(Decimal("12.345"), "EUR")


def test_halves_are_rounded_to_even_unless_told_otherwise() -> None:
    halves = [Decimal("0.125"), Decimal("0.135")]

    assert [str(quantize(half, "EUR")) for half in halves] == ["0.12", "0.14"]
    assert str(quantize(halves[0], "EUR", ROUND_HALF_UP)) == "0.13"


def test_a_total_is_exact_and_has_the_digits_of_its_currency() -> None:
    amounts = [Decimal("0.1")] * 10 + [Decimal("1E+30")]

    assert str(total(amounts, "EUR")) == "1000000000000000000000000000001.00"
    assert str(total([], "EUR")) == "0.00"


def test_the_precision_of_the_host_changes_nothing() -> None:
    with decimal.localcontext(prec=3, rounding=decimal.ROUND_UP):
        assert to_minor(Decimal("1234567.89"), "EUR") == 123456789
        assert str(total([Decimal("1234567.89")], "EUR")) == "1234567.89"
        assert str(quantize(Decimal("1234567.891"), "EUR")) == "1234567.89"


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "ZZZ"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="no ISO 4217 currency code"):
        exponent(currency)


def test_a_currency_without_a_minor_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="XAU has no minor unit"):
        exponent("XAU")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount of money"):
        to_minor(Decimal(amount), "EUR")


@pytest.mark.parametrize("amount", [12.34, 12, "12.34"])
def test_only_decimals_are_amounts(amount: Any) -> None:
    with pytest.raises(TypeError, match="amounts of money are decimals"):
        to_minor(amount, "EUR")


@pytest.mark.parametrize("minor", [12.0, True, Decimal(12)])
def test_only_whole_numbers_are_minor_units(minor: Any) -> None:
    with pytest.raises(TypeError, match="minor units are whole numbers"):
        from_minor(minor, "EUR")
