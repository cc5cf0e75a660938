"""Rules on the configuration of a host's own Celery application that jobkit is added to.

jobkit sets attributes of its own tasks alone; what is global stays as the host has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jobkit.checks.declared import Declared, Rule
from jobkit.checks.report import Finding

Conf = Mapping[str, Any]


@dataclass(frozen=True)
class Trap:
    """Say which value of a Celery setting does harm, and how to mend it."""

    rule: str
    setting: str
    springs: Callable[[Conf], bool]
    message: str
    severity: Literal["fault", "warning"] = "warning"


def _on_redis(conf: Conf) -> bool:
    url = str(conf.get("broker_url") or "")
    return url.startswith(("redis", "rediss", "sentinel", "valkey"))


def _lacks_timeouts(conf: Conf) -> bool:
    options = conf.get("broker_transport_options") or {}
    return _on_redis(conf) and not {"socket_timeout", "socket_connect_timeout"} <= set(options)


def _redelivers_soon(conf: Conf) -> bool:
    options = conf.get("broker_transport_options") or {}
    return _on_redis(conf) and options.get("visibility_timeout", 3600) < 60


def _refuses_json(conf: Conf) -> bool:
    accepted = conf.get("accept_content")
    return bool(accepted) and not {"json", "application/json"} & set(accepted or ())


def _pool_is_green(conf: Conf) -> bool:
    return any(name in str(conf.get("worker_pool")) for name in ("gevent", "eventlet"))


TRAPS = (
    Trap(
        "celery-always-eager",
        "task_always_eager",
        lambda conf: bool(conf.get("task_always_eager")),
        "doorbells would be answered inside of the caller, transaction and all; test with "
        "jobkit.testing instead",
        "fault",
    ),
    Trap(
        "celery-refuses-json",
        "accept_content",
        _refuses_json,
        "doorbells are JSON and would be thrown away; add json to it",
        "fault",
    ),
    Trap(
        "celery-green-pool",
        "worker_pool",
        _pool_is_green,
        "jobkit runs in prefork, threads and solo; green threads would stop its heartbeat",
        "fault",
    ),
    Trap(
        "celery-socket-timeouts",
        "broker_transport_options",
        _lacks_timeouts,
        "without socket_timeout and socket_connect_timeout (1 s will do) ringing may hang on a "
        "dead broker",
    ),
    Trap(
        "celery-visibility-timeout",
        "broker_transport_options",
        _redelivers_soon,
        "with a visibility_timeout under a minute Redis delivers messages again that are still "
        "being taken over; leave it at its hour",
    ),
    Trap(
        "celery-prefetch",
        "worker_prefetch_multiplier",
        lambda conf: conf.get("worker_prefetch_multiplier", 4) != 1,
        "a busy child holds doorbells that an idle one could answer; set it to 1",
    ),
    Trap(
        "celery-time-limit",
        "task_time_limit",
        lambda conf: bool(conf.get("task_time_limit") or conf.get("task_soft_time_limit")),
        "it limits one message, and a doorbell may run many jobs; set limits on the tasks",
    ),
    Trap(
        "celery-max-tasks-per-child",
        "worker_max_tasks_per_child",
        lambda conf: bool(conf.get("worker_max_tasks_per_child")),
        "it counts messages, and a doorbell may run many jobs; JOBKIT_WORKER_MEMORY_LIMIT_MB "
        "counts what matters",
    ),
    Trap(
        "celery-rate-limit",
        "task_default_rate_limit",
        lambda conf: bool(conf.get("task_default_rate_limit")),
        "it holds doorbells back as well; set rate limits on the tasks that need them",
    ),
    Trap(
        "celery-gives-up",
        "broker_connection_max_retries",
        lambda conf: bool(conf.get("broker_connection_max_retries", 100)),
        "the worker stops for good after so many tries to reach the broker; set it to None",
    ),
    Trap(
        "celery-hijacks-logs",
        "worker_hijack_root_logger",
        lambda conf: bool(conf.get("worker_hijack_root_logger", True)),
        "Celery replaces the root logger's handlers, and with them JOBKIT_LOG_FORMAT; set it to "
        "False",
    ),
    Trap(
        "celery-queues-not-created",
        "task_create_missing_queues",
        lambda conf: not conf.get("task_create_missing_queues", True),
        "doorbells for queues that are not in task_queues are lost; list every queue of "
        "`jobkit queues` there, or set it to True",
    ),
)  # fmt: skip
"""Read in Celery 5.6 and 5.7; each default is theirs."""


def host_celery_is_harmless(declared: Declared) -> Iterator[Finding]:
    """Find global Celery settings that should change."""
    conf = declared.celery_conf
    if conf is None:
        return
    for trap in TRAPS:
        if trap.springs(conf):
            yield Finding(trap.rule, trap.severity, trap.setting, trap.message)


RULES: tuple[Rule, ...] = (host_celery_is_harmless,)
