"""The doorbell: the one Celery message jobkit sends, and the task that answers it."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from celery import Task as CeleryTask
from celery.worker import state as worker_state
from celery.worker.request import Request, create_request_cls
from kombu import Producer
from kombu.utils.json import dumps

from jobkit.errors import StoreUnavailable
from jobkit.logs import get_logger

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

DOORBELL = "jobkit.run"
_BACK_OFF = 0.5
_BODY = dumps([[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
_ORIGIN = f"{os.getpid()}@{socket.gethostname()}"
logger = get_logger("jobkit.doorbell")


def publish_bell(producer: Producer, queue: str) -> None:
    """Send one doorbell for *queue*, which exists, in the shape of Celery's protocol 2."""
    bell = str(uuid4())
    headers = {
        "lang": "py", "task": DOORBELL, "id": bell, "root_id": bell, "parent_id": None,
        "group": None, "shadow": None, "eta": None, "expires": None, "retries": 0,
        "timelimit": [None, None], "argsrepr": "()", "kwargsrepr": "{}", "origin": _ORIGIN,
        "ignore_result": True,
    }  # fmt: skip
    producer.publish(
        _BODY,
        exchange="",
        routing_key=queue,
        headers=headers,
        correlation_id=bell,
        content_type="application/json",
        content_encoding="utf-8",
        # Bells are cheap: none needs to survive a restart of the broker.
        delivery_mode=1,
        retry=False,
        serializer=None,
    )


class BellRequest(Request):
    """Handle a doorbell in the worker's main process: quietly, whatever becomes of its child."""

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> None:
        """Forget the bell: what the child ran is looked after through its slot."""
        worker_state.task_ready(self)
        self.acknowledge()

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Ignore Celery's own limits, which would be a bell's and not a job's."""


class Doorbell(CeleryTask):
    """Answer a doorbell: claim a due job, run it, and go on while there is work."""

    name = DOORBELL
    ignore_result = True
    send_events = False
    acks_late = False
    track_started = False
    Request = BellRequest
    Strategy = "jobkit._celery.doorbell:bell_strategy"
    runtime: Runtime

    @property
    def __trace__(self) -> Any:
        """Return what Celery calls instead of its tracer.

        Its signals, events and log lines would speak of doorbells; ours speak of jobs.
        """
        return self._answer

    @__trace__.setter
    def __trace__(self, tracer: Any) -> None:
        """Keep our own: Celery builds a tracer for every task at a worker's start."""

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Answer without a worker around it, as `task_always_eager` would have it."""
        self._answer("", args, kwargs, {})

    def _answer(
        self, uuid: str, args: Any, kwargs: Any, request: Any
    ) -> tuple[Any, None, float, str]:
        try:
            self.runtime.station.answer(request.get("hint") if request else None)
        except StoreUnavailable as error:
            # The bell is dropped: the keeper rings again when the store is back.
            logger.warning("the job store is away", part="doorbell", error=str(error))
            time.sleep(_BACK_OFF)
        except Exception:
            # Nothing is lost: an unclaimed job is rung for again, a claimed one is looked after.
            logger.exception("a doorbell could not be answered")
        return None, None, 0.0, ""


def bell_strategy(task: Doorbell, app: Any, consumer: Any, **_: Any) -> Any:
    """Return what the consumer does with a doorbell: hand it to a free child."""
    request_class = create_request_cls(
        BellRequest, task, consumer.pool, consumer.hostname, None, app=app
    )
    handle = consumer.on_task_request

    def on_bell(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> None:
        request = request_class(
            message,
            on_ack=ack,
            on_reject=reject,
            app=app,
            hostname=consumer.hostname,
            eventer=None,
            task=task,
            connection_errors=consumer.connection_errors,
            body=message.body,
            headers=message.headers,
            decoded=False,
            utc=True,
        )
        worker_state.task_reserved(request)
        handle(cast(Any, request))

    return on_bell
