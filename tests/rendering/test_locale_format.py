from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

import pytest

from jobkit.rendering import LocaleFormat, currency_digits, rounded


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "written"),
    [
        ("en_GH", "1234567.5", "GHS", "1,234,567.50"),
        ("en_IN", "1234567.5", "INR", "12,34,567.50"),
        ("de", "-0.1", "EUR", "-0,10"),
        ("en", "1000", "JPY", "1,000"),
        ("en", "1.5", "KWD", "1.500"),
        ("en", "1.459", "EUR", "1.459"),
        ("en", "1E+3", "EUR", "1,000.00"),
        ("en", "5", "POINTS", "5.00"),
    ],
)
def test_amounts_have_the_grouping_of_the_locale_and_the_digits_of_the_currency(
    locale: str, amount: str, currency: str, written: str
) -> None:
    assert LocaleFormat(locale, UTC).amount(Decimal(amount), currency) == written


def test_money_is_written_with_its_currency() -> None:
    assert LocaleFormat("en_GH", UTC).money(Decimal("-12.5"), "GHS") == "-GH₵12.50"
    assert LocaleFormat("de", UTC).money(Decimal("12.5"), "EUR") == "12,50\xa0€"
    # Babel's own tables give the dinar of Iraq no decimals; ISO 4217 gives it three.
    assert LocaleFormat("en", UTC).money(Decimal("12.5"), "IQD").endswith("12.500")


def test_numbers_keep_all_their_decimals() -> None:
    locale = LocaleFormat("fr", UTC)

    assert locale.number(Decimal("2.125")) == "2,125"
    assert locale.number(Decimal("2.50")) == "2,5"
    assert locale.number(1234567).replace("\u202f", " ") == "1 234 567"


def test_moments_are_told_in_the_zone() -> None:
    locale = LocaleFormat("en_GB", ZoneInfo("Asia/Kolkata"))

    assert locale.moment(datetime(2025, 1, 31, 23, 30, tzinfo=UTC)) == "1 Feb 2025 05:00"


@pytest.mark.parametrize(
    ("unit", "label"), [("day", "1 Mar"), ("month", "Mar 2025"), ("year", "2025")]
)
def test_days_months_and_years_have_short_names(unit: str, label: str) -> None:
    assert LocaleFormat("en_GB", UTC).label(date(2025, 3, 1), unit) == label  # type: ignore[arg-type]


def test_a_period_of_one_day_is_that_day() -> None:
    assert LocaleFormat("en_GB", UTC).period(date(2025, 3, 1), date(2025, 3, 1)) == "1 Mar 2025"


def test_what_cannot_be_shown_is_written_in_iso() -> None:
    locale = LocaleFormat("th", UTC, shows=str.isascii)

    assert locale.date(date(2025, 3, 1)) == "2025-03-01"
    assert locale.period(date(2025, 3, 1), date(2025, 3, 31)) == "2025-03-01 – 2025-03-31"
    assert locale.label(date(2025, 3, 1), "month") == "2025-03"
    assert locale.money(Decimal(5), "THB") == "THB 5.00"


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("XAU", 2)])
def test_currencies_have_their_digits(currency: str, digits: int) -> None:
    assert currency_digits(currency) == digits


@pytest.mark.parametrize("precision", [3, 28])
def test_amounts_of_any_length_are_written_whatever_precision_the_host_has_set(
    precision: int,
) -> None:
    locale = LocaleFormat("en", UTC)

    with localcontext(prec=precision):
        assert locale.amount(Decimal(f"{10**40}.99"), "EUR") == f"{10**40:,}.99"
        assert locale.amount(Decimal("1234567.89"), "EUR") == "1,234,567.89"
        assert locale.number(Decimal("1234567.125")) == "1,234,567.125"
        assert locale.money(Decimal("1234567.89"), "EUR") == "€1,234,567.89"
        assert rounded(Decimal("1234567.891"), "EUR") == Decimal("1234567.89")


def test_rounding_goes_to_the_even_digit() -> None:
    assert rounded(Decimal("0.125"), "EUR") == Decimal("0.12")
    assert rounded(Decimal("2.5"), "JPY") == Decimal("2")
