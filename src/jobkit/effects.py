"""What to do about an effect when nobody knows whether it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True)
class Ask:
    """Hold the function that asks the outside; `ask` makes it."""

    check: Callable[..., Any]


Policy: TypeAlias = Literal["retry", "skip"] | Ask
"""`retry` does it again, `skip` leaves it, `ask(check)` finds out from the outside."""


def ask(check: Callable[[], Any] | Callable[[str], Any]) -> Ask:
    """Find out from the outside whether an unknown effect happened, by calling *check*.

    *check* returns what the effect would have returned, or `DidNotHappen()`. Like the effect, it is
    handed the idempotency key if it takes an argument. While it raises, the effect stays unknown.
    """
    return Ask(check)
