"""Adopting foreign messages: `send_task` from programs that have no jobkit."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kombu.utils.json import loads

from jobkit.errors import InvalidPayload, JobkitError, StoreUnavailable, UnknownTask
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
_LONGEST_KEPT = 4_000_000
"""Characters of a body that a dead row keeps: more than databases take would never be stored."""

logger = get_logger("jobkit.adoption")


@dataclass(frozen=True)
class Foreign:
    """Hold a message that is the only trace of a job until its row is committed."""

    name: str
    celery_id: str
    args: Any
    kwargs: Any
    eta: str | None
    expires: str | None
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
            self._adopt(self._next_batch())

    def _adopt(self, batch: list[Foreign], fault: Exception | None = None) -> None:
        """Write *batch* through outages of the store; with a *fault*, as dead rows.

        A message that cannot be stored must not hold up the others: it is tried alone, then as a
        dead row, and then left with the broker.
        """
        pause = 0.1
        while batch and not self._stopped:
            try:
                self._write(batch, fault)
            except StoreUnavailable:
                logger.warning("the store is away; messages wait", messages=len(batch))
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
                continue
            except Exception as error:
                if len(batch) > 1:
                    for message in batch:
                        self._adopt([message])
                elif fault is None:
                    self._adopt(batch, error)
                else:
                    logger.exception("a message cannot be stored; it stays with the broker")
            return

    def _next_batch(self) -> list[Foreign]:
        batch = [self._waiting.get()]
        while len(batch) < _BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return [message for message in batch if message is not None]

    def _write(self, batch: list[Foreign], fault: Exception | None) -> None:
        application = self._application
        adopted = [
            self._judge(message) if fault is None else self._dead(message, fault)
            for message in batch
        ]
        # After the rows are made: those without an eta are due now.
        now = application.database.clock.now()

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
            if message.expires and _moment(message.expires) < submission.clock.now():
                raise InvalidPayload("the message's sender did not want it run any more by now")
            options = {"scheduled_at": _moment(message.eta)} if message.eta else {}
            task = submission.tasks.find(message.name)
            payload = submission.payload(task, message.kwargs)
            row = submission.row(task, payload, options)
        except Exception as error:
            return self._dead(message, error)
        return Adopted(replace(row, foreign_id=message.celery_id))

    def _dead(self, message: Foreign, error: Exception) -> Adopted:
        clock = self._application.database.clock
        known = self._application.tasks.with_aliases().get(message.name)
        row = NewJob(
            id=new_job_id(clock.time()),
            task=_fitting(message.name, 200),
            queue=known.queue.name if known else _fitting(message.queue, 100),
            tenant_id=None,
            priority=Priority.NORMAL,
            payload=self._keepsake(message, known.payload_type if known else None),
            max_attempts=known.retry.max_attempts if known else 1,
            scheduled_at=clock.now(),
            foreign_id=_fitting(message.celery_id, 255),
        )
        reason = "unknown_task" if isinstance(error, UnknownTask) else "invalid"
        # Others than our own errors may quote what nobody should read.
        told = str(error) if isinstance(error, JobkitError) else "the message cannot be stored"
        failure = NewFailure(0, "error", type(error).__name__, told, None)
        logger.error("a foreign message is dead on arrival", task=message.name, reason=reason)
        return Adopted(row, failure, reason)

    def _keepsake(self, message: Foreign, kind: type[Payload] | None) -> str:
        """Return the payload of a dead row: the fields where readable, else the raw body."""
        readable = isinstance(message.kwargs, Mapping) and not message.args
        whole = readable and len(message.raw) <= _LONGEST_KEPT
        kept = message.kwargs if whole else {"raw": message.raw[:_LONGEST_KEPT]}
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
        except Exception:  # whatever a stranger writes, it must not end the worker
            args, kwargs = None, None
    return Foreign(
        name=str(told.get("task")),
        # Without one, a delivery more is a job more: better than to take two messages for one.
        celery_id=str(told.get("id") or uuid4()),
        args=args,
        kwargs=kwargs,
        eta=told.get("eta"),
        expires=told.get("expires"),
        raw=text,
        queue=str(delivery.get("routing_key") or ""),
        settle=settle,
    )


def _moment(eta: Any) -> datetime:
    """Return when a message is due. Raises `InvalidPayload`."""
    try:
        moment = datetime.fromisoformat(eta)
    except (TypeError, ValueError):
        raise InvalidPayload("a time of the message is not in ISO 8601") from None
    # Without a zone it is in the sender's, which is UTC unless somebody changed that.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _fitting(name: str, limit: int) -> str:
    """Return *name*, or where no column takes it something as unique that fits."""
    if len(name) <= limit and name.isprintable():
        return name
    return sha256(name.encode("utf-8", "backslashreplace")).hexdigest()


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
