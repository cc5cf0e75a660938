"""Decimals that no precision of the host's own cuts short."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact

WIDE = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""What amounts are rounded and written in: a host may have set three digits for its own sums."""

# Sums stay exact: where 100 digits do not hold one, it is an error and not a rounded amount.
_EXACT = Context(prec=100, traps=[Inexact])


def add_exactly(first: Decimal, second: Decimal) -> Decimal:
    """Return the sum, with every digit."""
    return _EXACT.add(first, second)


def significant_digits(value: Decimal | int) -> int:
    """Return how many digits *value* has, without zeros at either end."""
    digits = "".join(map(str, Decimal(value).as_tuple().digits))
    return len(digits.strip("0"))
