"""The safe profile: what jobkit sets in a Celery application of its own, and why."""

from __future__ import annotations

from typing import Any

from kombu import Exchange, Queue

from jobkit.settings import Settings

ANONYMOUS = Exchange("")
"""The default exchange delivers to the queue named by the routing key, and nowhere else."""

SERVER_SOCKET = {"socket_connect_timeout": 2.0, "socket_timeout": 30.0}


def bell_queue(name: str) -> Queue:
    """Return the broker's queue for doorbells of the jobkit queue *name*."""
    return Queue(name, exchange=ANONYMOUS, routing_key=name, durable=True)


def safe_profile(settings: Settings, broker_url: str, queues: list[str]) -> dict[str, Any]:
    """Return the configuration of jobkit's own Celery application.

    `docs/explanation/celery-settings.md` gives the reason of each.
    """
    redis = broker_url.startswith(("redis", "valkey", "unix"))
    return {
        "broker_url": broker_url,
        # A doorbell carries nothing to lose and jobs keep their results in the store.
        "result_backend": None,
        "task_ignore_result": True,
        # A server that went away must not stop the worker: it waits for its return for ever.
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": 4.0,
        "broker_transport_options": redis_options() if redis else {},
        "broker_pool_limit": 4,
        # One bell at a time: a long job must not hide short ones behind it.
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": redis,
        "task_acks_late": False,
        # A child that died is noticed through its slot; the bell it answered is worth nothing.
        "worker_lost_wait": 0.5,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Celery reduces prefetch after a reconnect and restores it through acks we do not send.
        "worker_enable_prefetch_count_reduction": False,
        "worker_detect_quorum_queues": False,
        "worker_max_memory_per_child": _kilobytes(settings.worker_memory_limit_mb),
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "task_default_queue": settings.foreign_queue,
        "task_default_exchange": "",
        "task_default_routing_key": settings.foreign_queue,
        "task_queues": [bell_queue(name) for name in [*queues, settings.foreign_queue]],
        # Only JSON is read: unpickling a message would run whatever its sender likes.
        "accept_content": ["json"],
        "task_serializer": "json",
        "enable_utc": True,
        "timezone": "UTC",
        "beat_scheduler": "jobkit._celery.beat:StoreScheduler",
        # Once a second is how fine schedules are.
        "beat_max_loop_interval": 1,
    }


def _kilobytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * 1024


def redis_options() -> dict[str, Any]:
    """Return the transport options for Redis and Valkey."""
    return {
        **SERVER_SOCKET,
        "socket_keepalive": True,
        "health_check_interval": 10,
        # Doorbells are acknowledged when they arrive, adopted messages within moments: what is
        # still unacknowledged after a minute belongs to a worker that died.
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }
