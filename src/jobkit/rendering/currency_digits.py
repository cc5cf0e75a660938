"""How many decimals an amount is shown with."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from jobkit.money import exponent
from jobkit.rendering.exact import WIDE

_USUAL = 2


@cache
def currency_digits(currency: str) -> int:
    """Return the decimals of *currency*: 0 for JPY, 3 for KWD.

    Points, gold and whatever else ISO 4217 gives no decimals are shown with two: a report is no
    place to refuse what a host has sold.
    """
    try:
        return exponent(currency)
    except ValueError:
        return _USUAL


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return *amount* with the decimals it is shown with, halves to the even digit."""
    return amount.quantize(Decimal(1).scaleb(-currency_digits(currency)), context=WIDE)
