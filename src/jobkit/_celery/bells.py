"""The connection that doorbells go out on: one, short-tempered, and made anew after an error."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from kombu import Connection, Producer

from jobkit._celery.doorbell import publish_bell
from jobkit.logs import get_logger

_LOOK_EVERY = 16
_LONG = 32
_REST = 1.0
_REFUSED_REST = 60.0
logger = get_logger("jobkit.bells")


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
            connection, producer = self._ready()
            if self._is_long(connection, queue):
                return
            for _ in range(times):
                publish_bell(producer, queue)
            self._sent[queue] += times
        except self._refusals as error:
            # The broker lives but will not have this queue: the other queues go on.
            self.close()
            self._left_alone_until[queue] = time.monotonic() + _REFUSED_REST
            logger.error("the broker refuses a queue", queue=queue, error=str(error))
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None and self._pid == os.getpid():
            connection.release()

    @property
    def _refusals(self) -> tuple[type[Exception], ...]:
        return tuple(self._connection.channel_errors) if self._connection else ()

    def _is_long(self, connection: Connection, queue: str) -> bool:
        """Look at the queue before every so many doorbells; leave it alone if many wait."""
        if self._sent.get(queue, _LOOK_EVERY) < _LOOK_EVERY:
            return False
        if bells_waiting(connection, queue) >= _LONG:
            self._left_alone_until[queue] = time.monotonic() + _REST
            return True
        self._sent[queue] = 0
        return False

    def _ready(self) -> tuple[Connection, Producer]:
        if self._connection is None or self._producer is None or self._pid != os.getpid():
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
        return self._connection, self._producer


def bells_waiting(connection: Connection, queue: str) -> int:
    """Return how many messages wait in the broker's queue, declaring it where it is new.

    On RabbitMQ a queue that is there already is left as it is: it may have been declared with
    other arguments, as a quorum queue for one.
    """
    if connection.transport.driver_type == "amqp":
        try:
            with connection.channel() as channel:
                return int(channel.queue_declare(queue, passive=True)[1])
        except connection.channel_errors:
            logger.debug("a new queue", queue=queue)
    with connection.channel() as channel:
        return int(channel.queue_declare(queue, durable=True, auto_delete=False)[1])
