"""Counting rows and adding up columns while they are written."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from jobkit.rendering.exact import add_exactly
from jobkit.rendering.report import Column, Kind, Row

_ZERO = Decimal(0)


class Tally:
    """Count rows, and add up the columns that want a total, each currency for itself."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._summed = [(place, column.key) for place, column in enumerate(columns) if column.total]
        self._currency = next(
            (place for place, column in enumerate(columns) if column.kind is Kind.CURRENCY), None
        )
        self.rows = 0
        self.totals: dict[str, dict[str, Decimal]] = {}
        """The sums by currency and column key; the currency is "" in a table without one."""

    def add(self, row: Row) -> None:
        """Take one row into account."""
        self.rows += 1
        currency = "" if self._currency is None else str(row[self._currency])
        sums = self.totals.get(currency)
        if sums is None:
            sums = self.totals[currency] = {key: _ZERO for _, key in self._summed}
        for place, key in self._summed:
            value = row[place]
            if value is not None:
                sums[key] = add_exactly(sums[key], value)

    def by_currency(self) -> list[tuple[str, dict[str, Decimal]]]:
        """Return the totals in the order in which a report shows them."""
        return sorted(self.totals.items())
