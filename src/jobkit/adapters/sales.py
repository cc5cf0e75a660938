"""Sales, as a host's records have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from jobkit.errors import InvalidRecord


@dataclass(frozen=True, slots=True)
class Sale:
    """Tell of one product sold; what was bought together shares a `sale_id`.

    Raises `InvalidRecord` for a moment without a time zone and for an amount that is no finite
    Decimal: either would make a report that is quietly wrong.
    """

    sale_id: str
    sold_at: datetime
    product: str
    quantity: Decimal
    """Negative for goods that came back."""

    unit_price: Decimal
    total: Decimal
    """What was charged for this line, after discounts; negative for a refund."""

    currency: str
    """The ISO 4217 code: `GHS`, `EUR`."""

    customer: str | None = None
    payment_method: str | None = None

    def __post_init__(self) -> None:
        if self.sold_at.tzinfo is None:
            raise InvalidRecord(f"sale {self.sale_id}: sold_at has no time zone")
        if not self.currency:
            raise InvalidRecord(f"sale {self.sale_id}: it has no currency")
        amounts: tuple[object, ...] = (self.quantity, self.unit_price, self.total)
        for amount in amounts:
            if not (isinstance(amount, Decimal) and amount.is_finite()):
                raise InvalidRecord(
                    f"sale {self.sale_id}: {amount!r} must be a finite Decimal; "
                    "a float has already lost the cents"
                )


class SalesData(Protocol):
    """Read the sales of a tenant."""

    def sales(self, tenant_id: str, start: datetime, end: datetime) -> Iterator[Sale]:
        """Yield the sales from *start* to before *end*, the earliest first.

        Both are aware, in any zone. The lines of one sale follow each other. Yield as the rows
        come, rather than building a list: a report may be larger than the memory.
        """
        ...

    def count(self, tenant_id: str, start: datetime, end: datetime) -> int:
        """Return how many `sales` would yield; progress is shown against it."""
        ...
