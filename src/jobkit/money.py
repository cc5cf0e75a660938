"""Money: decimals, and the minor units in which currencies are counted.

How many digits a currency has after the point comes from ISO 4217, list one.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache

# Enough for any sum of money; the default context would round totals beyond 28 digits, and a
# host may have changed it.
_EXACT = Context(prec=1000)


@cache
def exponent(currency: str) -> int:
    """Return the digits after the point: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises `ValueError` for what is no currency code, or has no minor unit, such as gold (XAU).
    """
    from iso4217 import Currency

    try:
        digits = Currency(currency).exponent
    except ValueError:
        raise ValueError(
            f"{currency!r} is no ISO 4217 currency code, such as GHS, EUR or USD"
        ) from None
    if digits is None:
        raise ValueError(f"{currency} has no minor unit in ISO 4217")
    return int(digits)


def quantize(amount: Decimal, currency: str, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return *amount* with as many digits after the point as *currency* has.

    Half amounts go to the even digit ("banker's rounding"), so that totals do not drift.
    """
    place = Decimal(1).scaleb(-exponent(currency))
    return _finite(amount).quantize(place, rounding=rounding, context=_EXACT)


def to_minor(amount: Decimal, currency: str) -> int:
    """Return *amount* in minor units: 1234 for 12.34 EUR.

    Raises `ValueError` for an amount with more digits than the currency has: round it with
    `quantize` where that is meant.
    """
    minor = _finite(amount).scaleb(exponent(currency), context=_EXACT)
    whole = minor.to_integral_value()
    if minor != whole:
        raise ValueError(
            f"{amount} {currency} has more than {exponent(currency)} digits after the point; "
            "round it with quantize() first"
        )
    return int(whole)


def from_minor(minor: int, currency: str) -> Decimal:
    """Return *minor* units as an amount: 12.34 for 1234 of EUR."""
    if type(minor) is not int:
        raise TypeError(f"minor units are whole numbers, not {type(minor).__name__}")
    return Decimal(minor).scaleb(-exponent(currency), context=_EXACT)


def total(amounts: Iterable[Decimal], currency: str) -> Decimal:
    """Return the exact sum of *amounts*, with the digits of *currency*; 0 of nothing.

    Each amount must be payable: raises `ValueError` for one with more digits than the currency.
    """
    return from_minor(sum(to_minor(amount, currency) for amount in amounts), currency)


def _finite(amount: Decimal) -> Decimal:
    if not isinstance(amount, Decimal):
        raise TypeError(
            f"amounts of money are decimals, not {type(amount).__name__}: floats round, "
            "so make them from text, as in Decimal('12.34')"
        )
    if not amount.is_finite():
        raise ValueError(f"{amount} is no amount of money")
    return amount
