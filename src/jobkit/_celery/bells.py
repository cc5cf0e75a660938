"""The connection that doorbells go out on: one, short-tempered, and made anew after an error."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from kombu import Connection, Producer

from jobkit._celery.doorbell import publish_bell

_LOOK_EVERY = 16
_LONG = 32
_REST = 1.0


class BellSender:
    """Send doorbells; used by the ringer's thread alone.

    Celery's own producers may wait for ever on a broker that is down. This connection tries once
    and gives up, and the keeper rings again later. A queue in which many doorbells wait already is
    left alone: a queue that nobody serves must not fill the broker.
    """

    def __init__(self, connect: Callable[[], Connection], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._pid = 0
        self._sent: dict[str, int] = {}
        self._left_alone_until: dict[str, float] = {}
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def __call__(self, queue: str, times: int) -> None:
        """Send *times* doorbells for *queue*. Raises what the broker's client raises."""
        if time.monotonic() < self._left_alone_until.get(queue, 0.0):
            return
        try:
            producer = self._ready()
            if self._is_long(producer, queue):
                return
            for _ in range(times):
                publish_bell(producer, queue)
            self._sent[queue] += times
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None and self._pid == os.getpid():
            connection.release()

    def _is_long(self, producer: Producer, queue: str) -> bool:
        """Look at the queue before every so many doorbells; leave it alone if many wait."""
        if self._sent.get(queue, _LOOK_EVERY) < _LOOK_EVERY:
            return False
        if bells_waiting(producer.channel, queue) >= _LONG:
            self._left_alone_until[queue] = time.monotonic() + _REST
            return True
        self._sent[queue] = 0
        return False

    def _ready(self) -> Producer:
        if self._producer is None or self._pid != os.getpid():
            # A connection inherited through a fork belongs to the parent.
            self._pid = os.getpid()
            connection = self._connect()
            connection.connect_timeout = self._timeout
            connection.transport_options = {
                **(connection.transport_options or {}),
                "socket_connect_timeout": self._timeout,
                "socket_timeout": self._timeout,
                "max_retries": 0,
                "interval_start": 0,
                "interval_max": 0,
            }
            self._connection = connection
            self._producer = Producer(connection.channel())
        return self._producer


def bells_waiting(channel: Any, queue: str) -> int:
    """Return how many messages wait in the broker's queue, declaring it where it is new."""
    return int(channel.queue_declare(queue, durable=True, auto_delete=False)[1])
