"""Sales held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from jobkit.adapters.sales import Sale


class MemorySales:
    """Serve the sales given for each tenant."""

    def __init__(self, sales: Mapping[str, Iterable[Sale]]) -> None:
        self._sales = {
            tenant_id: sorted(of_tenant, key=lambda sale: (sale.sold_at, sale.sale_id))
            for tenant_id, of_tenant in sales.items()
        }

    def sales(self, tenant_id: str, start: datetime, end: datetime) -> Iterator[Sale]:
        """Yield the sales from *start* to before *end*."""
        for sale in self._sales.get(tenant_id, ()):
            if start <= sale.sold_at < end:
                yield sale

    def count(self, tenant_id: str, start: datetime, end: datetime) -> int:
        """Return how many there are."""
        return sum(1 for _ in self.sales(tenant_id, start, end))
