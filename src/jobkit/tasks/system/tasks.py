"""The tasks that look after an installation."""

from __future__ import annotations

import os
import socket
from datetime import datetime

from pydantic import AwareDatetime

from jobkit.clock import Clock
from jobkit.payload import Payload, Result
from jobkit.queues import Priority
from jobkit.retry import NO_RETRY
from jobkit.task import TaskSet

tasks = TaskSet("system")


class Ping(Payload):
    """When the ping left, for those who want to know how long it was under way."""

    sent_at: AwareDatetime | None = None


class Pong(Result):
    """Who answered, and when."""

    sent_at: datetime | None
    answered_at: datetime
    seconds: float | None
    """From sending to answering, by the two machines' own clocks; None without *sent_at*."""

    host: str
    pid: int


# Pinging twice does no harm, but an old ping answers a question that nobody asks any more.
@tasks.task(priority=Priority.HIGH, retry=NO_RETRY)
def ping(payload: Ping) -> Pong:
    """Answer at once: the whole way from enqueueing to the recorded result works."""
    now = Clock().now()
    under_way = None if payload.sent_at is None else (now - payload.sent_at).total_seconds()
    return Pong(
        sent_at=payload.sent_at,
        answered_at=now,
        seconds=under_way,
        host=socket.gethostname(),
        pid=os.getpid(),
    )
