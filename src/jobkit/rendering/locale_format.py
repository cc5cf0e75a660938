"""Numbers, amounts and dates as a tenant's locale writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton, format_time
from babel.numbers import parse_pattern

from jobkit.rendering.currency_digits import currency_digits
from jobkit.rendering.exact import WIDE

Unit = Literal["day", "month", "year"]

_SKELETONS: dict[Unit, str] = {"day": "MMMd", "month": "yMMM", "year": "y"}
_MOST_DECIMALS = 8


def _everything(text: str) -> bool:
    return True


class LocaleFormat:
    """Write values for people who read *locale* and live in *zone*.

    *shows* tells whether a text can be displayed. Where it cannot (Arabic month names in a font
    without Arabic), dates are written as ISO 8601 has them and currencies as their codes.
    """

    def __init__(
        self, locale: str, zone: tzinfo, shows: Callable[[str], bool] = _everything
    ) -> None:
        self.locale = Locale.parse(locale)
        self.zone = zone
        self._shows = shows
        # Shop prices, quantities and days repeat; Babel takes about 20 µs for each.
        self.number = lru_cache(8192)(self._number)
        self.amount = lru_cache(8192)(self._amount)
        self.date = lru_cache(512)(self._date)
        self._time = lru_cache(2048)(self._time_of_day)

    def _number(self, value: Decimal | int) -> str:
        """Write a number with all its decimals."""
        return self._write(self.locale.decimal_formats[None].pattern, 0, value)

    def _amount(self, value: Decimal | int, currency: str) -> str:
        """Write an amount without its currency, with as many decimals as that has or more.

        An amount of fractions of a cent is shown whole: a column must add up to its total.
        """
        pattern = self.locale.decimal_formats[None].pattern
        return self._write(pattern, currency_digits(currency), value)

    def money(self, value: Decimal | int, currency: str) -> str:
        """Write an amount with its currency."""
        pattern = self.locale.currency_formats["standard"].pattern
        text = self._write(pattern, currency_digits(currency), value, currency)
        return text if self._shows(text) else f"{currency} {self.amount(value, currency)}"

    def _date(self, day: date) -> str:
        """Write a day."""
        return self._fitting(format_date(day, "medium", self.locale), day)

    def moment(self, moment: datetime) -> str:
        """Write a day and the time of day, to the minute, in the report's zone."""
        local = moment.astimezone(self.zone)
        return f"{self.date(local.date())} {self._time(local.hour, local.minute)}"

    def period(self, first: date, last: date) -> str:
        """Write a range of days."""
        text = str(format_interval(first, last, "yMMMd", locale=self.locale))
        return text if self._shows(text) else f"{first.isoformat()} – {last.isoformat()}"

    def label(self, start: date, unit: Unit) -> str:
        """Write the day, month or year that begins at *start*, briefly."""
        text = format_skeleton(_SKELETONS[unit], start, locale=self.locale)
        length: dict[Unit, int] = {"day": 10, "month": 7, "year": 4}
        return text if self._shows(text) else start.isoformat()[: length[unit]]

    def _time_of_day(self, hour: int, minute: int) -> str:
        text = format_time(datetime(2000, 1, 1, hour, minute), "short", locale=self.locale)
        return text if self._shows(text) else f"{hour:02}:{minute:02}"

    def _fitting(self, text: str, day: date) -> str:
        return text if self._shows(text) else day.isoformat()

    def _write(
        self, pattern: str, decimals: int, value: Decimal | int, currency: str | None = None
    ) -> str:
        """Write a number with at least so many decimals, by a pattern of the locale."""
        parsed = parse_pattern(pattern)
        parsed.frac_prec = _precision(decimals, value)
        with localcontext(WIDE):
            return str(parsed.apply(value, self.locale, currency=currency, currency_digits=False))


def _precision(least: int, value: Decimal | int) -> tuple[int, int]:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    own = -exponent if isinstance(exponent, int) else 0
    return least, max(least, min(own, _MOST_DECIMALS))
