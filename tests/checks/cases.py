"""For every rule an application that breaks it, and its twin that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from tests.checks.declaring import (
    KEY,
    Files,
    MemoryFiles,
    WrongFiles,
    declare,
    draw,
    log_in,
    open_files,
    plain,
    task,
)

from jobkit.checks import Declared, ScheduleEntry
from jobkit.errors import TransientError
from jobkit.payload import Payload
from jobkit.retry import Retry
from jobkit.schedules import Every, SchedulePolicy
from jobkit.unique import Unique

SERVER = "postgresql://localhost/jobs"
PAYLOAD = {"tenant_id": "b1", "order_id": "o1"}
_monthly = Unique(period=30 * 86_400, states=("executing", "completed"))


class Excluded(Payload):
    password: str = Field(exclude=True)


class ExcludedWithDefault(Payload):
    note: str = Field(default="", exclude=True)


class Plain:
    """A class that pydantic knows nothing of."""


class Broken:
    """A schedule that has no next run."""

    def next_after(self, moment: datetime) -> datetime:
        return datetime(2020, 1, 1, tzinfo=UTC)


class BrokenConf(dict[str, Any]):
    """A configuration that fails when it is read, as Celery's does for a wrong module."""

    def get(self, key: str, default: Any = None) -> Any:
        raise ImportError("no module named settings")


def excluded(payload: Excluded) -> None: ...
def excluded_with_default(payload: ExcludedWithDefault) -> None: ...
def answers_plainly(payload: ExcludedWithDefault) -> Plain: ...  # type: ignore[empty-body]
def returns_files() -> Any: ...
def needs_a_url(url: str) -> Iterator[MemoryFiles]:
    yield MemoryFiles()


def entry(name: str = "nightly", schedule: Any = None, **changes: Any) -> ScheduleEntry:
    parts: dict[str, Any] = {"task_name": "shop.plain", "payload": PAYLOAD} | changes
    return ScheduleEntry(name, schedule=schedule or Every(60), **parts)


def celery(**conf: Any) -> Declared:
    whole = {
        "broker_url": "redis://localhost",
        "broker_transport_options": {"socket_timeout": 1, "socket_connect_timeout": 1},
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "broker_connection_max_retries": None,
    }
    return declare(celery=whole | conf)


Case = tuple[str, Callable[[], Declared], Callable[[], Declared]]

CASES: dict[str, Case] = {
    # --- Tasks
    "duplicate-task": (
        "fault",
        lambda: declare(task(name="a"), task(log_in, name="b", aliases=("shop.a",))),
        lambda: declare(*[task(name="a", aliases=("shop.a",))] * 2, task(log_in, name="b")),
    ),
    "limit-not-positive": (
        "fault",
        lambda: declare(task(soft_time_limit=0)),
        lambda: declare(task(soft_time_limit=0.1)),
    ),
    "soft-limit-over-hard": (
        "fault",
        lambda: declare(task(soft_time_limit=10, time_limit=10)),
        lambda: declare(task(soft_time_limit=9, time_limit=10)),
    ),
    "hard-limit-without-prefork": (
        "warning",
        lambda: declare(task(time_limit=10), worker_pool="threads"),
        lambda: declare(task(soft_time_limit=10), worker_pool="threads"),
    ),
    "time-limit-over-grace": (
        "warning",
        lambda: declare(task(time_limit=61)),
        lambda: declare(task(soft_time_limit=60, time_limit=90)),
    ),
    "retry-permanent-transient": (
        "fault",
        lambda: declare(task(retry=Retry(permanent=(TransientError,)))),
        lambda: declare(task(retry=Retry(permanent=(ValueError,)))),
    ),
    "retry-in-vain": (
        "warning",
        lambda: declare(task(retry=Retry(permanent=(Exception,)))),
        lambda: declare(task(retry=Retry(max_attempts=1, permanent=(Exception,)))),
    ),
    "unique-by-unknown-field": (
        "fault",
        lambda: declare(task(unique_by=("tenant_id", "order"))),
        lambda: declare(task(unique_by=("tenant_id", "order_id"))),
    ),
    "unique-period-over-retention": (
        "warning",
        lambda: declare(task(unique=_monthly)),
        lambda: declare(task(unique=_monthly), keep_completed_days=31),
    ),
    "unique-without-store": (
        "fault",
        lambda: declare(task(unique_by=("order_id",), durable=False)),
        lambda: declare(task(unique_by=("order_id",)), task(name="b", durable=False)),
    ),
    "field-not-stored": (
        "fault",
        lambda: declare(task(excluded)),
        lambda: declare(task(excluded_with_default)),
    ),
    "result-type-unusable": (
        "fault",
        lambda: declare(task(answers_plainly)),
        lambda: declare(task(plain)),
    ),
    # --- Privacy
    "private-field-in-undurable-task": (
        "fault",
        lambda: declare(task(log_in, durable=False)),
        lambda: declare(task(log_in), task(plain, durable=False)),
    ),
    "secret-key-missing": (
        "fault",
        lambda: declare(task(log_in), store_url=SERVER),
        lambda: declare(task(log_in), store_url=SERVER, secret_keys=(KEY,)),
    ),
    "secret-key-empty": (
        "fault",
        lambda: declare(secret_keys=(KEY, " ")),
        lambda: declare(secret_keys=f"{KEY}, "),
    ),
    "secret-key-short": (
        "warning",
        lambda: declare(secret_keys=(KEY, "hunter22")),
        lambda: declare(secret_keys=(KEY,)),
    ),
    # --- Adapters
    "adapter-missing": (
        "fault",
        lambda: declare(task(draw)),
        lambda: declare(task(draw), adapters={Files: MemoryFiles()}),
    ),
    "adapter-misfit": (
        "fault",
        lambda: declare(adapters={Files: WrongFiles()}),
        lambda: declare(adapters={Files: MemoryFiles()}),
    ),
    "adapter-is-a-class": (
        "fault",
        lambda: declare(adapters={Files: MemoryFiles}),
        lambda: declare(adapters={Files: MemoryFiles()}),
    ),
    "adapter-never-closed": (
        "fault",
        lambda: declare(factories={Files: returns_files}),
        lambda: declare(factories={Files: open_files}),
    ),
    "adapter-factory-arguments": (
        "fault",
        lambda: declare(factories={Files: needs_a_url}),
        lambda: declare(factories={Files: open_files}),
    ),
    # --- Queues
    "queue-unserved": (
        "fault",
        lambda: declare(task(queue="slow"), worker_profiles={"web": ("fast",)}),
        lambda: declare(task(queue="slow"), worker_profiles={"web": ("fast",), "all": ("*",)}),
    ),
    "profile-empty": (
        "fault",
        lambda: declare(worker_profiles={"web": (), "all": ("*",)}),
        lambda: declare(worker_profiles={"all": ("*",)}),
    ),
    "profile-queue-unknown": (
        "warning",
        lambda: declare(task(), worker_profiles={"web": ("shop", "shpo")}),
        lambda: declare(task(), worker_profiles={"web": ("shop", "celery", "x")}, queues=["x"]),
    ),
    # --- Schedules
    "duplicate-schedule": (
        "fault",
        lambda: declare(task(), schedules=[entry("a"), entry("a")]),
        lambda: declare(task(), schedules=[entry("a"), entry("b")]),
    ),
    "schedule-unknown-task": (
        "fault",
        lambda: declare(task(), schedules=[entry(task_name="shop.gone")]),
        lambda: declare(
            task(aliases=("shop.gone",)), schedules=[entry(), entry("b", task_name="shop.gone")]
        ),
    ),
    "schedule-payload-invalid": (
        "fault",
        lambda: declare(task(), schedules=[entry(payload={"tenant_id": "b1"})]),
        lambda: declare(task(), schedules=[entry()]),
    ),
    "schedule-without-tenants": (
        "fault",
        lambda: declare(task(), schedules=[entry(policy=SchedulePolicy(per_tenant=True))]),
        lambda: declare(task(), schedules=[entry(policy=SchedulePolicy())]),
    ),
    "schedule-broken": (
        "fault",
        lambda: declare(task(), schedules=[entry(schedule=Broken())]),
        lambda: declare(task(), schedules=[entry(schedule=Every(1))]),
    ),
    # --- Settings
    "settings-lease-heartbeat": (
        "fault",
        lambda: declare(lease_seconds=5, heartbeat_seconds=2.6),
        lambda: declare(lease_seconds=5, heartbeat_seconds=2.5),
    ),
    "settings-lease-store-timeout": (
        "warning",
        lambda: declare(store_timeout_seconds=10),
        lambda: declare(store_timeout_seconds=9),
    ),
    "settings-keeper-lease": (
        "warning",
        lambda: declare(keeper_seconds=11),
        lambda: declare(keeper_seconds=10),
    ),
    "settings-drain": (
        "warning",
        lambda: declare(drain_seconds=0),
        lambda: declare(drain_seconds=0, drain_jobs=1),
    ),
    "settings-size-limit": (
        "warning",
        lambda: declare(store_url="mysql://localhost/jobs", result_max_bytes=9 * 2**20),
        lambda: declare(store_url=SERVER, result_max_bytes=9 * 2**20),
    ),
    "settings-memory-limit-without-prefork": (
        "warning",
        lambda: declare(worker_memory_limit_mb=100, worker_pool="threads"),
        lambda: declare(worker_memory_limit_mb=100),
    ),
    "settings-solo-concurrency": (
        "warning",
        lambda: declare(worker_concurrency=2, worker_pool="solo"),
        lambda: declare(worker_concurrency=1, worker_pool="solo"),
    ),
    "settings-store-in-memory": (
        "fault",
        lambda: declare(store_url="sqlite://"),
        lambda: declare(store_url="sqlite:////var/lib/jobs.sqlite3"),
    ),
    "settings-broker-in-memory": (
        "warning",
        lambda: declare(broker_url="memory://"),
        lambda: declare(broker_url="redis://localhost"),
    ),
    # --- The host's Celery
    "celery-always-eager": (
        "fault",
        lambda: celery(task_always_eager=True),
        lambda: celery(task_always_eager=False),
    ),
    "celery-refuses-json": (
        "fault",
        lambda: celery(accept_content=["pickle"]),
        lambda: celery(accept_content=["pickle", "application/json"]),
    ),
    "celery-green-pool": (
        "fault",
        lambda: celery(worker_pool="gevent"),
        lambda: celery(worker_pool="prefork"),
    ),
    "celery-socket-timeouts": (
        "warning",
        lambda: celery(broker_transport_options={"socket_timeout": 1}),
        lambda: celery(broker_url="amqp://localhost", broker_transport_options={}),
    ),
    "celery-visibility-timeout": (
        "warning",
        lambda: celery(broker_transport_options={"visibility_timeout": 30}),
        lambda: celery(broker_transport_options={"visibility_timeout": 3600}),
    ),
    "celery-prefetch": (
        "warning",
        lambda: celery(worker_prefetch_multiplier=4),
        lambda: celery(worker_prefetch_multiplier=1),
    ),
    "celery-time-limit": (
        "warning",
        lambda: celery(task_soft_time_limit=60),
        lambda: celery(task_time_limit=None),
    ),
    "celery-max-tasks-per-child": (
        "warning",
        lambda: celery(worker_max_tasks_per_child=100),
        lambda: celery(worker_max_tasks_per_child=None),
    ),
    "celery-rate-limit": (
        "warning",
        lambda: celery(task_default_rate_limit="10/m"),
        lambda: celery(task_default_rate_limit=None),
    ),
    "celery-gives-up": (
        "warning",
        lambda: celery(broker_connection_max_retries=100),
        lambda: celery(broker_connection_max_retries=None),
    ),
    "celery-hijacks-logs": (
        "warning",
        lambda: celery(worker_hijack_root_logger=True),
        lambda: celery(worker_hijack_root_logger=False),
    ),
    "celery-queues-not-created": (
        "warning",
        lambda: celery(task_create_missing_queues=False),
        lambda: celery(task_create_missing_queues=True),
    ),
    # --- The checks themselves
    "check-broken": (
        "fault",
        lambda: declare(celery=BrokenConf()),
        lambda: declare(celery={}),
    ),
}

ON_WINDOWS: dict[str, Case] = {
    "settings-windows-pool": (
        "fault",
        lambda: declare(broker_url="redis://localhost"),
        lambda: declare(broker_url="redis://localhost", worker_pool="threads"),
    ),
    "settings-windows-broker": (
        "fault",
        lambda: declare(worker_pool="threads"),
        lambda: declare(broker_url="redis://localhost", worker_pool="threads"),
    ),
}
