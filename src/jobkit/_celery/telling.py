"""Celery's task signals and task events, sent per job: Flower and handlers hear the truth."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from billiard.einfo import ExceptionInfo
from celery import signals, states

from jobkit.execution import LifecycleEvent
from jobkit.privacy import redacted

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime

_STATES = {
    "completed": states.SUCCESS,
    "retryable": states.RETRY,
    "snoozed": states.RETRY,
    "dead": states.FAILURE,
    "cancelled": states.REVOKED,
    "interrupted": states.RETRY,
    "superseded": states.IGNORED,
}
_EVENTS = {
    "completed": "task-succeeded",
    "retryable": "task-retried",
    "snoozed": "task-retried",
    "interrupted": "task-retried",
    "dead": "task-failed",
    "cancelled": "task-revoked",
}
_SIGNALS = (
    signals.task_prerun, signals.task_postrun, signals.task_success,
    signals.task_failure, signals.task_retry, signals.task_revoked,
)  # fmt: skip


class Teller:
    """Turn what happens to jobs into Celery's signals and events."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, event: LifecycleEvent) -> None:
        """Tell Celery's listeners, if there are any."""
        heard = any(signal.receivers for signal in _SIGNALS)
        shown = self._runtime.board is not None and self._runtime.board.events
        facade = self._runtime.celery.tasks.get(event.claim.task)
        if facade is None or not (heard or shown):
            return
        kwargs = json.loads(redacted(event.claim.payload or "{}"))
        if heard:
            self._signal(facade, event, kwargs)
        if shown:
            self._show(event, kwargs)

    def _signal(self, facade: Any, event: LifecycleEvent, kwargs: dict[str, Any]) -> None:
        job = event.claim.id
        if event.kind == "claimed":
            facade.push_request(
                id=job,
                task=facade.name,
                args=(),
                kwargs=kwargs,
                root_id=job,
                retries=event.claim.attempt - 1,
                hostname=self._runtime.hostname,
                delivery_info={"routing_key": event.claim.queue, "exchange": ""},
                headers={},
                called_directly=False,
            )
            signals.task_prerun.send(
                sender=facade, task_id=job, task=facade, args=(), kwargs=kwargs
            )
            return
        self._signal_end(facade, event, kwargs)
        signals.task_postrun.send(
            sender=facade, task_id=job, task=facade, args=(), kwargs=kwargs,
            retval=event.result, state=_STATES[event.kind],
        )  # fmt: skip
        if facade.request_stack.top is not None:
            facade.pop_request()

    def _signal_end(self, facade: Any, event: LifecycleEvent, kwargs: dict[str, Any]) -> None:
        job, error = event.claim.id, event.error
        match event.kind:
            case "completed":
                signals.task_success.send(sender=facade, result=event.result)
            case "dead":
                signals.task_failure.send(
                    sender=facade, task_id=job, exception=error, args=(), kwargs=kwargs,
                    traceback=error.__traceback__ if error else None, einfo=_info(error),
                )  # fmt: skip
            case "retryable" | "snoozed" | "interrupted":
                signals.task_retry.send(
                    sender=facade, request=facade.request, reason=error, einfo=_info(error)
                )
            case "cancelled":
                signals.task_revoked.send(
                    sender=facade, request=facade.request, terminated=False, signum=None,
                    expired=False,
                )  # fmt: skip

    def _show(self, event: LifecycleEvent, kwargs: dict[str, Any]) -> None:
        job, error = event.claim.id, event.error
        hostname = self._runtime.hostname
        events = self._runtime.celery.events
        with events.default_dispatcher(hostname=hostname, enabled=True) as dispatcher:
            dispatcher.hostname = hostname
            if event.kind == "claimed":
                dispatcher.send(
                    "task-received", uuid=job, name=event.claim.task, args="()",
                    kwargs=repr(kwargs), root_id=job, parent_id=None,
                    retries=event.claim.attempt - 1, eta=None, expires=None,
                )  # fmt: skip
                dispatcher.send("task-started", uuid=job)
            elif event.kind == "completed":
                dispatcher.send(
                    "task-succeeded", uuid=job, result="", runtime=event.seconds,
                    timestamp=time.time(),
                )  # fmt: skip
            elif event.kind in _EVENTS:
                dispatcher.send(
                    _EVENTS[event.kind], uuid=job, exception=type(error).__name__,
                    traceback="",
                )  # fmt: skip


def _info(error: BaseException | None) -> ExceptionInfo | None:
    if error is None:
        return None
    return ExceptionInfo((type(error), error, error.__traceback__))


def tell_celery(runtime: Runtime) -> None:
    """Hang a teller onto the application's lifecycle."""
    runtime.application.hooks.add(Teller(runtime))
