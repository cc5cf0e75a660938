"""A job store on a bench: what the tests of the store do again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from jobkit.clock import Clock
from jobkit.job import Job, new_job_id
from jobkit.queues import Priority
from jobkit.store import changing, claims, enqueueing, outcomes, reading, workers
from jobkit.store.claims import Claim
from jobkit.store.database import Database
from jobkit.store.enqueueing import NewJob
from jobkit.store.failing import NewFailure
from jobkit.store.workers import WorkerRow

P = ParamSpec("P")
T = TypeVar("T")


class StoppedClock(Clock):
    """Stand still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1_800_000_000.0

    def time(self) -> float:
        return self.seconds

    def synchronise(self, database_time: float) -> None:
        super().synchronise(self.seconds)


@dataclass
class Bench:
    """Hold a store and its clock, and say in one word what a test means."""

    database: Database
    clock: StoppedClock
    made: int = field(default=0)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def later(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds

    def do(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        return self.database.write(lambda conn: fn(conn, *args, **kw))

    def see(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        with self.database.read() as conn:
            return fn(conn, *args, **kw)

    def new(self, **options: Any) -> NewJob:
        self.made += 1
        return NewJob(
            **{
                "id": new_job_id(self.clock.seconds + self.made / 1000),
                "task": "shop.sell",
                "queue": "default",
                "tenant_id": None,
                "priority": Priority.NORMAL,
                "payload": "{}",
                "max_attempts": 3,
                "scheduled_at": self.now,
                **options,
            }
        )

    def add(self, **options: Any) -> str:
        job = self.new(**options)
        self.do(enqueueing.insert, [job], self.now)
        return job.id

    def claim(
        self,
        *queues: str,
        worker: str = "worker-1",
        tasks: tuple[str, ...] = ("shop.sell",),
        hint: str | None = None,
    ) -> Claim | None:
        return self.do(
            claims.claim,
            worker=worker,
            queues=queues or ("default",),
            tasks=tasks,
            now=self.now,
            hint=hint,
        )

    def claimed(self, **options: Any) -> Claim:
        """Add a job and take it."""
        job = self.add(**options)
        claim = self.claim(options.get("queue", "default"), hint=job)
        assert claim is not None
        assert claim.id == job
        return claim

    def dead(self, **options: Any) -> str:
        """Add a job and bury it."""
        claim = self.claimed(**options)
        given = {"reason": "permanent", "failure": failure(), "now": self.now}
        assert self.do(outcomes.bury, claim.id, claim.token, **given)
        return claim.id

    def completed(self, **options: Any) -> str:
        """Add a job and complete it."""
        claim = self.claimed(**options)
        assert self.do(outcomes.complete, claim.id, claim.token, '{"sold": 1}', self.now)
        return claim.id

    def cancelled(self, **options: Any) -> str:
        """Add a job and cancel it."""
        job = self.add(**options)
        self.do(changing.cancel, job, self.now)
        return job

    def job(self, id: str) -> Job:
        found = self.see(reading.get, id)
        assert found is not None
        return found

    def worker(self, id: str = "worker-1", lease: float = 10.0, **options: Any) -> WorkerRow:
        row = WorkerRow(
            **{
                "id": id,
                "name": f"jobkit@{id}",
                "host": "shop",
                "pid": 1,
                "pool": "prefork",
                "concurrency": 2,
                "queues": ("default", "mail"),
                "busy": 0,
                "quiet": False,
                "started_at": self.now,
                "heartbeat_at": self.now,
                "expires_at": self.later(lease),
                **options,
            }
        )
        self.do(workers.register, row, self.now, lease)
        return row


def failure(**options: Any) -> NewFailure:
    """Describe an attempt that failed."""
    told = {"attempt": 1, "kind": "error", "type": "ValueError", "message": "no", "traceback": None}
    return NewFailure(**{**told, **options})
