"""Lines: what a schedule is for each tenant, or as a whole."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from jobkit.adapters.registry import AdapterRegistry
from jobkit.adapters.tenants import Tenant, Tenants
from jobkit.checks import ScheduleEntry
from jobkit.logs import get_logger
from jobkit.schedules import Cron, Every, Schedule, SchedulePolicy

_NAME = 200
_REMEMBERED = 60.0
logger = get_logger("jobkit.schedules")


@dataclass(frozen=True)
class Line:
    """Name a row of runs: of the schedule *entry*, of one tenant where it fans out."""

    name: str
    entry: ScheduleEntry
    schedule: Schedule
    tenant_id: str | None = None

    @property
    def policy(self) -> SchedulePolicy:
        """Return how it behaves."""
        return self.entry.policy

    @property
    def payload(self) -> Mapping[str, Any]:
        """Return the payload, with the tenant's id."""
        own = {} if self.tenant_id is None else {"tenant_id": self.tenant_id}
        return {**self.entry.payload, **own}

    def period_of(self, run_at: datetime) -> str | None:
        """Return the period that a run is of, or None where periods do not count."""
        tz = self.schedule.tz if isinstance(self.schedule, Cron) else "UTC"
        return self.policy.period_of(run_at, tz)

    def starts_at(self, run_at: datetime) -> datetime:
        """Return when the job of a run starts: later by jitter and spread, always the same."""
        jitter = self.schedule.jitter if isinstance(self.schedule, Every) else 0.0
        wait = jitter * _share(f"{self.name} {run_at.isoformat()}")
        if self.tenant_id is not None:
            wait += self.policy.spread * _share(self.name)
        return run_at + timedelta(seconds=wait)


class Lines:
    """Draw the lines of schedules; tenants are asked for once a minute."""

    def __init__(self, adapters: AdapterRegistry) -> None:
        self._adapters = adapters
        self._tenants: list[Tenant] = []
        self._asked_at: float | None = None

    def of(self, entry: ScheduleEntry) -> Iterator[Line]:
        """Yield the lines of a schedule."""
        if not entry.policy.per_tenant:
            yield Line(entry.name, entry, entry.schedule)
            return
        for tenant in self._active():
            schedule = entry.schedule
            if isinstance(schedule, Cron):
                schedule = replace(schedule, tz=tenant.timezone)
            yield Line(_named(entry.name, tenant.id), entry, schedule, tenant.id)

    def _active(self) -> list[Tenant]:
        now = time.monotonic()
        if self._asked_at is None or now - self._asked_at > _REMEMBERED:
            self._asked_at = now
            try:
                with self._adapters.container() as container:
                    self._tenants = list(container.get(Tenants).tenants())
            except Exception as error:
                # What it last told is better than no run for anybody.
                logger.warning("the tenants cannot be listed", error=type(error).__name__)
        return self._tenants


def _named(schedule: str, tenant: str) -> str:
    name = f"{schedule}[{tenant}]"
    if len(name) <= _NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{name[: _NAME - 34]}[{digest}]"[:_NAME]


def _share(text: str) -> float:
    """Return a number from 0 to 1 that is always the same for *text*."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48
