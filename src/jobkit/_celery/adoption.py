"""Adopting foreign messages: `send_task` from programs that have no jobkit."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kombu.utils.json import loads

from jobkit.errors import EnqueueError, InvalidPayload, StoreUnavailable, UnknownTask
from jobkit.job import new_job_id
from jobkit.logs import get_logger
from jobkit.payload import Payload
from jobkit.privacy import seal_unvalidated
from jobkit.queues import Priority
from jobkit.store import enqueueing
from jobkit.store.enqueueing import NewJob
from jobkit.store.outcomes import NewFailure

if TYPE_CHECKING:
    from jobkit._celery.runtime import Application

_BATCH = 100
_LONGEST_PAUSE = 5.0
logger = get_logger("jobkit.adoption")


@dataclass(frozen=True)
class Foreign:
    """Hold a message that is the only trace of a job until its row is committed."""

    name: str
    celery_id: str
    args: Any
    kwargs: Any
    eta: str | None
    raw: str
    queue: str
    settle: Callable[[], None]
    """Acknowledges the message."""


@dataclass(frozen=True)
class Adopted:
    """Hold the row of a foreign message; *failure* is set when it is dead on arrival."""

    row: NewJob
    failure: NewFailure | None = None
    reason: str = ""


class Adopter:
    """Write foreign messages into the store, and acknowledge them only then."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._waiting: queue.SimpleQueue[Foreign | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="jobkit-adopter", daemon=True)
        self._stopped = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not written stays with the broker."""
        self._stopped = True
        self._waiting.put(None)
        self._thread.join(5.0)

    def take(self, message: Foreign) -> None:
        """Adopt a message soon."""
        self._waiting.put(message)

    def _run(self) -> None:
        while not self._stopped:
            batch = self._next_batch()
            pause = 0.1
            while batch and not self._stopped:
                try:
                    self._write(batch)
                    break
                except StoreUnavailable:
                    logger.warning("the store is away; messages wait", messages=len(batch))
                except Exception:
                    logger.exception("messages could not be adopted; trying again")
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)

    def _next_batch(self) -> list[Foreign]:
        batch = [self._waiting.get()]
        while len(batch) < _BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return [message for message in batch if message is not None]

    def _write(self, batch: list[Foreign]) -> None:
        application = self._application
        now = application.database.clock.now()
        adopted = [self._judge(message) for message in batch]

        def write(conn: Any) -> None:
            for one in adopted:
                if one.failure is None:
                    enqueueing.insert_foreign(conn, one.row, now)
                else:
                    enqueueing.insert_dead(conn, one.row, one.reason, one.failure, now)

        application.database.write(write)
        for message in batch:
            message.settle()
        for name in {one.row.queue for one in adopted if one.failure is None}:
            application.engine.ring(name, sum(one.row.queue == name for one in adopted))

    def _judge(self, message: Foreign) -> Adopted:
        """Turn a message into a row: a good one, or a dead one that keeps the raw body."""
        submission = self._application.submission
        try:
            if message.args:
                raise InvalidPayload("send the payload's fields as kwargs, not as args")
            options = {"scheduled_at": datetime.fromisoformat(message.eta)} if message.eta else {}
            task = submission.tasks.find(message.name)
            payload = submission.payload(task, message.kwargs)
            row = submission.row(task, payload, options)
        except (EnqueueError, UnknownTask, ValueError) as error:
            return self._dead(message, error)
        return Adopted(replace(row, foreign_id=message.celery_id))

    def _dead(self, message: Foreign, error: Exception) -> Adopted:
        clock = self._application.database.clock
        known = self._application.tasks.with_aliases().get(message.name)
        row = NewJob(
            id=new_job_id(clock.time()),
            task=message.name[:200],
            queue=known.queue.name if known else message.queue,
            tenant_id=None,
            priority=Priority.NORMAL,
            payload=self._keepsake(message, known.payload_type if known else None),
            max_attempts=known.retry.max_attempts if known else 1,
            scheduled_at=clock.now(),
            foreign_id=message.celery_id,
        )
        reason = "unknown_task" if isinstance(error, UnknownTask) else "invalid"
        failure = NewFailure(0, "error", type(error).__name__, str(error), None)
        logger.error("a foreign message is dead on arrival", task=message.name, reason=reason)
        return Adopted(row, failure, reason)

    def _keepsake(self, message: Foreign, kind: type[Payload] | None) -> str:
        """Return the payload of a dead row: the fields where readable, else the raw body."""
        readable = isinstance(message.kwargs, Mapping) and not message.args
        kept = message.kwargs if readable else {"raw": message.raw}
        return seal_unvalidated(kept, kind, self._application.engine.cipher)


def read_message(message: Any, body: Any, settle: Callable[[], None]) -> Foreign:
    """Read a Celery message of protocol 1 or 2 (docs.celeryq.dev, *Message Protocol*)."""
    raw = message.body
    text = raw if isinstance(raw, str) else bytes(raw).decode("utf-8", "replace")
    delivery = message.delivery_info or {}
    args: Any
    kwargs: Any
    if isinstance(body, Mapping):
        told: Mapping[str, Any] = body
        args, kwargs = body.get("args"), body.get("kwargs")
    else:
        told = message.headers
        try:
            args, kwargs, _ = loads(text)
        except (ValueError, TypeError):
            args, kwargs = None, None
    return Foreign(
        name=str(told.get("task")),
        celery_id=str(told.get("id")),
        args=args,
        kwargs=kwargs,
        eta=told.get("eta"),
        raw=text,
        queue=str(delivery.get("routing_key") or ""),
        settle=settle,
    )


def adopting_strategy(task: Any, app: Any, consumer: Any, **_: Any) -> Any:
    """Return what the consumer does with a foreign message for *task*."""
    return taker(task.runtime.adopter, consumer)


def taker(adopter: Adopter, consumer: Any) -> Callable[..., None]:
    """Return what hands messages to *adopter*, to be acknowledged when they are stored."""

    def on_message(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> None:
        def settle() -> None:
            # In the consumer's own thread: channels are not safe to share.
            consumer.call_soon(message.ack_log_error, logger, consumer.connection_errors)

        adopter.take(read_message(message, body, settle))

    return on_message


class Strategies(dict[str, Any]):
    """Adopt messages for tasks that nobody here knows, where Celery would throw them away.

    They become dead jobs that a person can retry once the release that knows them is out.
    """

    def __init__(self, known: Mapping[str, Any], adopt: Callable[..., None]) -> None:
        super().__init__(known)
        self._adopt = adopt

    def __missing__(self, name: str) -> Callable[..., None]:
        return self._adopt
