"""Business calendars: which days are worked on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from jobkit.errors import ConfigurationError

if TYPE_CHECKING:
    from holidays import HolidayBase

_DAY = timedelta(days=1)
_LONGEST = 60


@dataclass(frozen=True)
class Calendar:
    """Know the working days of a country: neither weekend nor public holiday.

    *country* is an ISO 3166 code and *subdivision* one of its parts, as the package holidays has
    them. Raises `ConfigurationError` for those that it does not have.
    """

    country: str
    subdivision: str | None = None
    closed: tuple[date, ...] = ()
    """Further days on which nobody works."""

    weekend: tuple[int, ...] = (5, 6)
    """Days of the week that are not worked on; Monday is 0."""

    def __post_init__(self) -> None:
        if not set(self.weekend) < set(range(7)):
            raise ConfigurationError("weekend takes some days of the week, from 0 to 6")
        try:
            _holidays(self.country, self.subdivision)
        except (NotImplementedError, KeyError) as error:
            place = f"{self.country} {self.subdivision or ''}".strip()
            raise ConfigurationError(f"no calendar is known for {place!r}: {error}") from error

    def is_open(self, day: date) -> bool:
        """Tell whether *day* is worked on."""
        if day.weekday() in self.weekend or day in self.closed:
            return False
        return day not in _holidays(self.country, self.subdivision)

    def moved(self, day: date, by: int) -> date:
        """Return *day*, or the next day (*by* 1) or the one before it (-1) that is worked on."""
        for _ in range(_LONGEST):
            if self.is_open(day):
                return day
            day += by * _DAY
        raise ConfigurationError(f"there is no working day within {_LONGEST} days of {day}")


@lru_cache
def _holidays(country: str, subdivision: str | None) -> HolidayBase:
    # Not at the top: only those who keep a calendar wait for it.
    import holidays

    # It works out a year when it is first asked for one.
    return holidays.country_holidays(country, subdiv=subdivision)
