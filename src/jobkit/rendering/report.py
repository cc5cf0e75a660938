"""A table report as a declaration: what it shows, free of how csv, xlsx and pdf show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from jobkit.rendering.locale_format import Unit

Row = Sequence[Any]
"""One value a column, in their order; None leaves a cell empty."""


class Output(Protocol):
    """A file to write a report to, from its beginning to its end: it need not seek."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""
        ...


class Kind(StrEnum):
    """What the values of a column are, which says how they are written and aligned."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    """A Decimal without a unit, such as a quantity."""

    MONEY = "money"
    """A Decimal in the currency that the row's `CURRENCY` column names."""

    CURRENCY = "currency"
    DATE = "date"
    MOMENT = "moment"
    """An aware datetime, shown in the report's time zone."""

    @property
    def numeric(self) -> bool:
        """Tell whether values of this kind stand at the right of their column."""
        return self in (Kind.INTEGER, Kind.NUMBER, Kind.MONEY)


@dataclass(frozen=True)
class Column:
    """Declare one column of a table."""

    key: str
    """Its name where totals are looked up."""

    title: str
    kind: Kind = Kind.TEXT
    width: float = 12
    """About how many characters it holds: the width in a workbook, the share on paper."""

    total: bool = False
    """Whether its sum is shown, each currency for itself."""

    lines: int = 1
    """Over how many lines a long text may run on paper before it is cut."""


@dataclass(frozen=True)
class Sender:
    """Say whose report it is, for the letterhead."""

    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """Show one number with its name: a tile on paper, a line in a workbook."""

    label: str
    value: Decimal | int
    currency: str | None = None


@dataclass(frozen=True)
class Bars:
    """Show amounts of days, months or years side by side, named by the day each begins."""

    title: str
    unit: Unit
    bars: tuple[tuple[date, Decimal], ...]
    currency: str


@dataclass(frozen=True)
class Ranking:
    """List the greatest of something with their amounts, the greatest first."""

    title: str
    rows: tuple[tuple[str, Decimal], ...]
    currency: str


@dataclass(frozen=True)
class Summary:
    """Hold what the first page says of the whole."""

    figures: tuple[Figure, ...] = ()
    bars: tuple[Bars, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableReport:
    """Declare a report over a table whose rows come one by one.

    At most one column is of the kind `CURRENCY`; amounts of different currencies are never added.
    """

    title: str
    columns: tuple[Column, ...]
    sender: Sender
    generated_at: datetime
    name: str = "Rows"
    """What the table holds, for the workbook's sheet and the bookmark."""

    period: tuple[date, date] | None = None
    """The first and the last day that the report covers."""

    locale: str = "en"
    zone: tzinfo = UTC
    summary: Callable[[], Summary] | None = None
    """Asked once, when every row has been written. None: the report is its table alone."""

    empty: str = "There is nothing to show."
    """What is said in place of a table without rows."""

    def __post_init__(self) -> None:
        currencies = [column for column in self.columns if column.kind is Kind.CURRENCY]
        if len(currencies) > 1:
            raise ValueError("a report has one currency column at most")
        if not currencies and any(column.kind is Kind.MONEY for column in self.columns):
            raise ValueError("money needs a column of the kind CURRENCY beside it")
        if self.generated_at.tzinfo is None:
            raise ValueError("generated_at needs a time zone")
