"""What a sales report says of the whole, gathered while the sales go by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from heapq import nlargest
from typing import TypeVar

from jobkit.adapters.sales import Sale
from jobkit.rendering import WIDE, Bars, Figure, Ranking, Summary, Unit, add_exactly, rounded

_ZERO = Decimal(0)
_MOST_DAYS = 45
"""A longer period is charted by months."""

_MOST_MONTHS = 1100
"""In days; a longer period is charted by years."""

_CHARTED = 2
"""How many currencies have charts of their own; all have their totals."""

_TILED = 8
_RANKED = 8

K = TypeVar("K")


@dataclass
class _Sold:
    """Add up what was sold in one currency."""

    lines: int = 0
    sales: int = 0
    charged: Decimal = _ZERO
    refunded: Decimal = _ZERO
    by_start: dict[date, Decimal] = field(default_factory=dict)
    by_product: dict[str, Decimal] = field(default_factory=dict)
    by_method: dict[str, Decimal] = field(default_factory=dict)

    @property
    def net(self) -> Decimal:
        return add_exactly(self.charged, self.refunded)

    @property
    def average(self) -> Decimal:
        return WIDE.divide(self.charged, Decimal(self.sales)) if self.sales else _ZERO


class SalesFigures:
    """Gather the figures, charts and rankings of a sales report."""

    def __init__(self, start: date, end: date, zone: tzinfo, currency: str) -> None:
        self._zone = zone
        self._currency = currency
        self._unit = _unit(end - start)
        self._sold: dict[str, _Sold] = {}
        self._quantity = _ZERO
        self._sales = 0
        self._last: tuple[str, str] | None = None

    def add(self, sale: Sale) -> None:
        """Take one line into account. The lines of one sale follow each other."""
        sold = self._sold.setdefault(sale.currency, _Sold())
        sold.lines += 1
        self._quantity = add_exactly(self._quantity, sale.quantity)
        if sale.total < 0:
            sold.refunded = add_exactly(sold.refunded, sale.total)
        else:
            sold.charged = add_exactly(sold.charged, sale.total)
            if self._last != (sale.sale_id, sale.currency):
                self._last = (sale.sale_id, sale.currency)
                sold.sales += 1
        day = sale.sold_at.astimezone(self._zone).date()
        _add(sold.by_start, _start(day, self._unit), sale.total)
        _add(sold.by_product, sale.product, sale.total)
        if sale.payment_method:
            _add(sold.by_method, sale.payment_method, sale.total)

    def summary(self) -> Summary:
        """Return what the first page shows."""
        by_lines = sorted(self._sold.items(), key=lambda item: (-item[1].lines, item[0]))
        if len(by_lines) > 1:
            return self._in_several(by_lines)
        currency, sold = by_lines[0] if by_lines else (self._currency, _Sold())
        return Summary(
            figures=(
                Figure("Net sales", sold.net, currency),
                Figure("Refunds", sold.refunded, currency),
                Figure("Sales", sold.sales),
                Figure("Average sale", rounded(sold.average, currency), currency),
                Figure("Items sold", self._quantity),
            ),
            bars=(self._bars(currency, sold, ""),) if sold.lines else (),
            rankings=tuple(self._rankings(currency, sold)),
            notes=(self._note,),
        )

    def _in_several(self, by_lines: list[tuple[str, _Sold]]) -> Summary:
        charted = by_lines[:_CHARTED]
        return Summary(
            figures=(
                *(Figure(f"Net sales, {name}", sold.net, name) for name, sold in by_lines[:_TILED]),
                Figure("Sales", sum(sold.sales for _, sold in by_lines)),
                Figure("Items sold", self._quantity),
            ),
            bars=tuple(self._bars(name, sold, f", {name}") for name, sold in charted),
            rankings=tuple(
                Ranking(f"Best sellers, {name}", _greatest(sold.by_product), name)
                for name, sold in charted
            ),
            notes=(
                self._note,
                "Amounts of different currencies are not added up; the totals of each stand at "
                "the end of the table.",
            ),
        )

    @property
    def _note(self) -> str:
        return (
            "Net sales are what was charged less what was refunded. Days begin and end at "
            f"midnight in {self._zone}."
        )

    def _bars(self, currency: str, sold: _Sold, suffix: str) -> Bars:
        first, last = min(sold.by_start), max(sold.by_start)
        starts = _starts(first, last, self._unit)
        bars = tuple((start, sold.by_start.get(start, _ZERO)) for start in starts)
        return Bars(f"Net sales by {self._unit}{suffix}", self._unit, bars, currency)

    def _rankings(self, currency: str, sold: _Sold) -> Iterator[Ranking]:
        if sold.by_product:
            yield Ranking("Best sellers", _greatest(sold.by_product), currency)
        if sold.by_method:
            yield Ranking("By payment method", _greatest(sold.by_method), currency)


def _add(sums: dict[K, Decimal], key: K, amount: Decimal) -> None:
    sums[key] = add_exactly(sums.get(key, _ZERO), amount)


def _greatest(sums: dict[str, Decimal]) -> tuple[tuple[str, Decimal], ...]:
    # By name where amounts are equal, so that the same sales always give the same report.
    return tuple(sorted(nlargest(_RANKED, sums.items(), key=lambda item: (item[1], item[0])),
                        key=lambda item: (-item[1], item[0])))  # fmt: skip


def _unit(period: timedelta) -> Unit:
    if period.days < _MOST_DAYS:
        return "day"
    return "month" if period.days < _MOST_MONTHS else "year"


def _start(day: date, unit: Unit) -> date:
    if unit == "day":
        return day
    return day.replace(day=1) if unit == "month" else day.replace(month=1, day=1)


def _starts(first: date, last: date, unit: Unit) -> Iterator[date]:
    """Yield every start from *first* to *last*: a day without sales has its place in a chart."""
    step = {"day": 1, "month": 31, "year": 366}[unit]
    while first <= last:
        yield first
        first = _start(first + timedelta(days=step), unit)
