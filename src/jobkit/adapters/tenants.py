"""Tenants: whose work a job is, and how they write numbers and tell the time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError

from jobkit.errors import InvalidRecord


@dataclass(frozen=True, slots=True)
class Tenant:
    """Describe a tenant as its reports and letters show it.

    Raises `InvalidRecord` for a time zone or a locale that does not exist.
    """

    id: str
    name: str
    timezone: str = "UTC"
    """A name of the IANA database: `Africa/Accra`."""

    locale: str = "en"
    """How numbers and dates are written: `en_GH`, `de`, `pt_BR`."""

    currency: str = "USD"
    address: tuple[str, ...] = ()
    """What stands under the name in a letterhead, line by line."""

    recipients: tuple[str, ...] = ()
    """Who gets the tenant's own reports and alerts, by e-mail address."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        # OSError: a name that is a folder of the zone database, such as "Europe".
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidRecord(f"tenant {self.id}: {self.timezone!r} is no time zone") from error
        try:
            Locale.parse(self.locale)
        except (UnknownLocaleError, ValueError) as error:
            raise InvalidRecord(f"tenant {self.id}: {self.locale!r} is no locale") from error

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone itself."""
        return ZoneInfo(self.timezone)


class Tenants(Protocol):
    """Look tenants up, and list them."""

    def tenant(self, tenant_id: str) -> Tenant:
        """Return the tenant of this id. Raises `UnknownTenant`."""
        ...

    def tenants(self) -> Iterable[Tenant]:
        """Return all tenants that are active; schedules that run for each tenant ask."""
        ...
