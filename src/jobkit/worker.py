"""Running a worker or a beat of an application in this process."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from jobkit.errors import ConfigurationError
from jobkit.logs import get_logger

if TYPE_CHECKING:
    from jobkit.app import Jobkit

GREEN_POOLS = ("gevent", "eventlet")
POOLS = ("prefork", "threads", "solo")
EVERY_QUEUE = "*"
logger = get_logger("jobkit.worker")


def run_worker(
    jobs: Jobkit,
    *,
    queues: Sequence[str] = (),
    profile: str = "default",
    pool: str | None = None,
    concurrency: int | None = None,
    name: str | None = None,
    log_level: str | None = None,
    events: bool = False,
) -> int:
    """Run jobs in this process until it is told to stop; returns its exit code.

    It serves *queues*, or those of the *profile* in the settings. *pool*, *concurrency* and
    *log_level* replace the settings' where given; *name* must be unique and is by default.
    *events* sends Celery's task events from the start, for Flower. Raises `ConfigurationError` for
    options that cannot work, `ChecksFailed` and `SchemaOutdated` before anything is started.
    """
    settings = jobs.settings
    pool = fit_pool(pool or settings.worker_pool)
    served = list(queues) or queues_of(jobs, profile)
    jobs.runtime.take_over(log_level)
    everything = EVERY_QUEUE in served
    jobs.runtime.know_queues(queue for queue in served if queue != EVERY_QUEUE)
    worker = jobs.celery.Worker(
        hostname=name or unique_name(jobs.name),
        pool=pool,
        concurrency=concurrency or settings.worker_concurrency,
        # None: all that are declared, and those of the host whose Celery this may be.
        queues=None if everything else served,
        loglevel=log_level or settings.log_level,
        task_events=events or None,
        # What they tell each other is in the store; without them a worker is ready at once.
        without_mingle=True,
        without_gossip=True,
        quiet=True,
    )
    jobs.start()
    logger.info(
        "a worker starts",
        worker=worker.hostname,
        pool=pool,
        concurrency=worker.concurrency,
        queues=served,
        store=str(jobs.database),
        broker=_broker(jobs),
    )
    worker.start()
    jobs.close()
    return int(worker.exitcode or 0)


def run_beat(jobs: Jobkit, *, log_level: str | None = None) -> int:
    """Let schedules become jobs until told to stop; returns the exit code.

    Any number may run: each due run happens once. Raises `ChecksFailed` and `SchemaOutdated`.
    """
    jobs.runtime.take_over(log_level)
    jobs.runtime.admit()
    jobs.start()
    beat = jobs.celery.Beat(
        # Named here for a host's Celery application, whose own beat may have another.
        scheduler="jobkit._celery.beat:StoreScheduler",
        max_interval=1,
        loglevel=log_level or jobs.settings.log_level,
        quiet=True,
    )
    logger.info(
        "a beat starts", schedules=len(jobs.schedules.entries()), store=str(jobs.database),
        broker=_broker(jobs),
    )  # fmt: skip
    beat.run()
    jobs.close()
    return 0


def fit_pool(pool: str) -> str:
    """Return *pool* if it can run jobs here. Raises `ConfigurationError` with the way out."""
    if pool in GREEN_POOLS:
        raise ConfigurationError(
            f"the pool {pool} cannot run jobs: heartbeats, time limits and database drivers need "
            "real threads; use prefork, threads or solo"
        )
    if pool not in POOLS:
        raise ConfigurationError(f"there is no pool {pool!r}; use prefork, threads or solo")
    if pool == "prefork" and sys.platform == "win32":
        raise ConfigurationError(
            "the pool prefork needs fork, which Windows has not; use --pool threads or "
            "JOBKIT_WORKER_POOL=threads"
        )
    return pool


def queues_of(jobs: Jobkit, profile: str) -> list[str]:
    """Return the queues of a worker profile. Raises `ConfigurationError` for one without any."""
    profiles = jobs.settings.worker_profiles
    if profile not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(
            f"there is no worker profile {profile!r}; the settings have {known}"
        )
    if not profiles[profile]:
        raise ConfigurationError(f"the worker profile {profile!r} names no queue")
    return list(profiles[profile])


def unique_name(application: str) -> str:
    """Return a name that no other worker has: two of one name would take each other's messages."""
    return f"{application}-{uuid4().hex[:8]}@{socket.gethostname()}"


def _broker(jobs: Jobkit) -> str:
    """Return where the broker is, without its password."""
    return str(jobs.celery.connection_for_read().as_uri())
