"""What a host does with its schedules: `jobs.schedules`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from jobkit.adapters.registry import AdapterRegistry
from jobkit.checks import ScheduleEntry
from jobkit.clock import Clock
from jobkit.errors import ConfigurationError, UnknownSchedule
from jobkit.logs import get_logger
from jobkit.payload import Payload
from jobkit.privacy import Cipher, seal, unseal
from jobkit.schedules import Schedule, SchedulePolicy
from jobkit.schedules.due import runs_between
from jobkit.store import scheduling
from jobkit.store.database import Database
from jobkit.store.scheduling import ScheduleRow
from jobkit.submission import Submission
from jobkit.tasklist import TaskList
from jobkit.timetable.definitions import read, written
from jobkit.timetable.lines import Line, Lines
from jobkit.timetable.placing import place
from jobkit.timetable.ticking import Ticker
from jobkit.timetable.watching import MissingHook, MissingRun, watch

if TYPE_CHECKING:
    from jobkit.handle import JobHandle

logger = get_logger("jobkit.schedules")
_MOST = 1000
_AHEAD = 100


class Application(Protocol):
    """Name what the timetable uses of `Jobkit`, which is above it."""

    tasks: TaskList
    adapters: AdapterRegistry
    clock: Clock
    database: Database

    @property
    def submission(self) -> Submission:
        """Return what turns payloads into rows."""

    @property
    def cipher(self) -> Cipher | None:
        """Return what encrypts private fields."""

    def start(self) -> None:
        """Freeze, and check the schema."""

    def ring(self, queue: str, times: int = 1) -> None:
        """Tell idle workers."""

    def get(self, job_id: str) -> JobHandle[Any]:
        """Return a hold on a job."""


@dataclass(frozen=True)
class NextRun:
    """Tell when a schedule comes, and for which tenant."""

    run_at: datetime
    line: str
    tenant_id: str | None = None
    skipped: bool = False


class Timetable:
    """Hold the schedules of an application, those of its tasks and those added at run time.

    What is done here is done for all beats, and outlives restarts: it is kept in the store.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self.lines = Lines(application.adapters)
        self.missing_hooks: list[MissingHook] = []

    def declared(self) -> list[ScheduleEntry]:
        """Return what the tasks' declarations say; the store is not asked."""
        return [
            ScheduleEntry(
                task.name, task.name, task.schedule, task.schedule_payload, task.schedule_policy
            )
            for task in self.application.tasks
            if task.schedule is not None
        ]

    def entries(self, marked: Mapping[str, ScheduleRow] | None = None) -> list[ScheduleEntry]:
        """Return all schedules; one that is declared goes before a stored one of its name."""
        rows = self.marked() if marked is None else marked
        declared = {entry.name: entry for entry in self.declared()}
        added = [row for row in rows.values() if row.task and row.name not in declared]
        stored = [self._stored(row) for row in added]
        return [*declared.values(), *(entry for entry in stored if entry is not None)]

    def marked(self) -> dict[str, ScheduleRow]:
        """Return what the store keeps of paused and of stored schedules."""
        self.application.start()
        return self.application.database.fetch(scheduling.rows)

    def get(self, name: str) -> ScheduleEntry:
        """Return the schedule of this name. Raises `UnknownSchedule`."""
        for entry in self.entries():
            if entry.name == name:
                return entry
        raise UnknownSchedule(f"no schedule is named {name!r}; `jobkit schedules list` has them")

    def add(
        self,
        name: str,
        task: Any,
        schedule: Schedule,
        payload: Payload | Mapping[str, Any] = MappingProxyType({}),
        policy: SchedulePolicy | None = None,
    ) -> None:
        """Add a schedule, or replace the stored one of this name; every beat picks it up.

        Raises `ConfigurationError` for the name of a declared one, `InvalidPayload`.
        """
        policy = policy or SchedulePolicy()
        if not 0 < len(name) <= 150 or any(entry.name == name for entry in self.declared()):
            raise ConfigurationError(
                f"{name!r} is taken by a task's own schedule, or not 1 to 150 characters long"
            )
        submission = self.application.submission
        found = submission.tasks.find(task)
        # Whether it fits shows with a tenant's id; each run is given its own.
        tenant = {"tenant_id": "a-tenant"} if policy.per_tenant else {}
        model = submission.payload(found, {**dict(payload), **tenant} if tenant else payload)
        self._change(
            name,
            task=found.name,
            payload=seal(model, self.application.cipher),
            definition=written(schedule, policy),
            last_run_at=self.application.clock.now(),
        )

    def remove(self, name: str) -> None:
        """Remove a schedule that was added. Raises `UnknownSchedule` for any other."""
        self.application.start()
        if not self.application.database.write(lambda conn: scheduling.remove(conn, name)):
            raise UnknownSchedule(f"no schedule named {name!r} was added at run time")

    def pause(self, name: str) -> None:
        """Let no run of a schedule happen until it is resumed."""
        self._change(self.get(name).name, paused_at=self.application.clock.now())

    def resume(self, name: str) -> None:
        """Go on with the next run; those of the pause are not made up for."""
        now = self.application.clock.now()
        self._change(self.get(name).name, paused_at=None, last_run_at=now, alerted_for=now)

    def paused(self) -> set[str]:
        """Return the names of the schedules that are paused."""
        return {name for name, row in self.marked().items() if row.paused_at is not None}

    def run(self, name: str) -> list[JobHandle[Any]]:
        """Enqueue a run now, for each tenant where there are tenants, paused or not.

        Of a period that has its job, that job is returned.
        """
        entry, now = self.get(name), self.application.clock.now()
        return self._place((line, now) for line in self.lines.of(entry))

    def backfill(self, name: str, since: datetime, until: datetime) -> list[JobHandle[Any]]:
        """Enqueue the runs from *since* to *until* that never happened, the oldest first.

        Raises `ConfigurationError` for a range with more than a thousand, or in the future.
        """
        entry, now = self.get(name), self.application.clock.now()
        if until > now:
            raise ConfigurationError("only the past can be backfilled")
        runs = [
            (line, run_at)
            for line in self.lines.of(entry)
            for run_at in islice(_from(line.schedule, since, until), _MOST + 1)
        ]
        if len(runs) > _MOST:
            raise ConfigurationError(f"this range has more than {_MOST} runs; take a shorter one")
        return self._place(sorted(runs, key=lambda run: run[1]), only_new=True)

    def skip(self, name: str, run_at: datetime | None = None) -> datetime:
        """Skip one run, of all tenants that have it, by default the next; returns its time.

        Raises `ConfigurationError` if the schedule has no run at *run_at*, or if it has happened.
        """
        entry, now = self.get(name), self.application.clock.now()
        upcoming = (run.run_at for run in self.next(name, _AHEAD) if not run.skipped)
        chosen = run_at or next(upcoming, now)
        there = [line for line in self.lines.of(entry) if any(_from(line.schedule, chosen, chosen))]
        done = [self._pass_by(line, chosen, now) for line in there]
        if not any(done):
            told = chosen.isoformat()
            raise ConfigurationError(f"{name} has no run at {told} that could be skipped")
        return chosen

    def next(self, name: str, count: int = 5) -> list[NextRun]:
        """Return the next runs of a schedule, also of a paused one, those that are skipped too."""
        entry, now = self.get(name), self.application.clock.now()
        found = []
        for line in self.lines.of(entry):
            moment = now
            for _ in range(count):
                moment = line.schedule.next_after(moment)
                found.append((moment, line))
        first = sorted(found, key=lambda one: (one[0], one[1].name))[:count]
        with self.application.database.read() as conn:
            return [
                NextRun(
                    at, line.name, line.tenant_id,
                    (scheduling.run_of(conn, line.name, at) or ("", None))[1] == "skipped",
                )
                for at, line in first
            ]  # fmt: skip

    def on_missing(self, hook: MissingHook) -> MissingHook:
        """Call *hook* in the worker or beat that finds a run missing; works as a decorator."""
        self.missing_hooks.append(hook)
        return hook

    def watch(self) -> list[MissingRun]:
        """Look for missing runs, and tell of them; workers and beats do so by themselves."""
        return watch(self)

    def ticker(self) -> Ticker:
        """Return what makes jobs of due runs, for one beat."""
        return Ticker(self)

    def _stored(self, row: ScheduleRow) -> ScheduleEntry | None:
        try:
            schedule, policy = read(row.definition or "")
            payload = unseal(row.payload or "{}", self.application.cipher)
        except (ConfigurationError, ValueError, KeyError, TypeError) as error:
            # Another release wrote it, or with another key: the others must run all the same.
            logger.error(
                "a stored schedule cannot be read", schedule=row.name, error=type(error).__name__
            )
            return None
        return ScheduleEntry(row.name, row.task or "", schedule, payload, policy, stored=True)

    def _change(self, name: str, **values: Any) -> None:
        self.application.start()
        now = self.application.clock.now()
        self.application.database.write(lambda conn: scheduling.change(conn, name, now, **values))

    def _pass_by(self, line: Line, run_at: datetime, now: datetime) -> bool:
        return self.application.database.write(
            lambda conn: scheduling.pass_by(conn, line.name, run_at, "skipped", now)
        )

    def _place(
        self, runs: Iterable[tuple[Line, datetime]], *, only_new: bool = False
    ) -> list[JobHandle[Any]]:
        placed = [place(self.application, line, run_at, by_hand=True) for line, run_at in runs]
        chosen = [one for one in placed if one.fresh or not only_new]
        return [self.application.get(one.job_id) for one in chosen if one.job_id]


def _from(schedule: Schedule, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the runs from *since* to *until*, both included."""
    return runs_between(schedule, since - timedelta(microseconds=1), until)
