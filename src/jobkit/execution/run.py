"""Running one claimed job."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from jobkit.adapters.registry import Container
from jobkit.context import JobContext
from jobkit.errors import ConfigurationError, PermanentError
from jobkit.execution.engine import Engine
from jobkit.execution.outcome import Outcome, describe, of_error
from jobkit.execution.ports import RunPorts
from jobkit.execution.results import serialise
from jobkit.execution.slot import Slot
from jobkit.logs import get_logger, job_logging
from jobkit.payload import Payload
from jobkit.privacy import Redactor, describe_validation_error, private_values, unseal_text
from jobkit.store.claims import Claim
from jobkit.task import Task

_MISFIT_WAIT = 30.0
logger = get_logger("jobkit.execution")

Guard = Callable[[], AbstractContextManager[None]]
"""Marks the stretch in which a signal may raise inside the task."""


@dataclass(frozen=True)
class Run:
    """Hold what came of running a claim, before it is recorded."""

    claim: Claim
    task: Task[Any, Any]
    payload: Payload | None
    outcome: Outcome
    ports: RunPorts
    seconds: float


def run(engine: Engine, claim: Claim, slot: Slot, guard: Guard = nullcontext) -> Run:
    """Run the task of *claim* once and decide its outcome; never raises for what the task does."""
    task = engine.tasks[claim.task]
    started = time.monotonic()
    soft, hard = _deadlines(task, started)
    ports = RunPorts(engine, claim, slot, soft if soft is not None else hard)
    try:
        payload = read_payload(engine, task, claim)
    except PermanentError as error:
        failure = describe(error, claim, Redactor(()), "error")
        outcome = Outcome("dead", error=error, failure=failure, reason="invalid")
        return Run(claim, task, None, outcome, ports, 0.0)
    except ConfigurationError as error:
        # The fault is this worker's, a key that it lacks: the job waits for a better one.
        logger.error("a payload cannot be read here", job=claim.id, error=str(error))
        outcome = Outcome("snoozed", error=error, wait=_MISFIT_WAIT, wasted=True)
        return Run(claim, task, None, outcome, ports, 0.0)
    redactor = ports.values.redactor = Redactor(private_values(payload))
    with job_logging(
        job=claim.id, task=task.name, attempt=claim.attempt, tenant=claim.tenant_id,
        redactor=redactor,
    ) as log:  # fmt: skip
        context = JobContext(
            id=claim.id, task=task.name, attempt=claim.attempt, tenant_id=claim.tenant_id,
            scheduled_for=claim.scheduled_for, log=log, ports=ports,
        )  # fmt: skip
        slot.begin(claim.id, claim.token, task.name, soft, hard)
        try:
            with engine.adapters.container() as container:
                given = collaborators(task, container, context)
                # Innermost: opening and closing adapters is not to be interrupted.
                with guard():
                    value = task.fn(payload, **given)
            result = serialise(task, value, engine.cipher, engine.settings.result_max_bytes)
            outcome = Outcome("completed", result=result, value=value)
        except BaseException as error:
            # Ctrl-C and exit requests while the worker stops are the worker's, not the task's.
            leaves = isinstance(error, (KeyboardInterrupt, SystemExit)) and slot.stopping()
            outcome = (
                Outcome("interrupted", error=error)
                if leaves
                else of_error(error, claim, task.retry, redactor)
            )
        seconds = time.monotonic() - started
        _log(log, outcome, seconds)
    return Run(claim, task, payload, outcome, ports, seconds)


def read_payload(engine: Engine, task: Task[Any, Any], claim: Claim) -> Payload:
    """Return the payload of *claim* as its model.

    Raises `PermanentError` where it no longer fits, without quoting private values.
    """
    text = unseal_text(claim.payload, engine.cipher)
    try:
        # As JSON: a strict model takes a date from text only there.
        model: Payload = task.payload_type.model_validate_json(text)
    except ValidationError as error:
        raise PermanentError(
            f"the payload does not fit {task.name}: "
            f"{describe_validation_error(error, task.payload_type, json.loads(text))}"
        ) from None
    return model


def _deadlines(task: Task[Any, Any], started: float) -> tuple[float | None, float | None]:
    soft = started + task.soft_time_limit if task.soft_time_limit is not None else None
    hard = started + task.time_limit if task.time_limit is not None else None
    return soft, hard


def collaborators(
    task: Task[Any, Any], container: Container, context: JobContext
) -> dict[str, Any]:
    """Return the keywords that *task* asks for. Raises `AdapterMissing`."""
    given: dict[str, Any] = {}
    for wish in task.wishes:
        if wish.optional and wish.protocol not in container:
            continue
        given[wish.keyword] = container.get(wish.protocol)
    if task.wants_job:
        given[task.wants_job] = context
    return given


def _log(log: Any, outcome: Outcome, seconds: float) -> None:
    took = round(seconds, 3)
    match outcome.kind:
        case "completed":
            log.info("job completed", seconds=took)
        case "dead":
            log.error("job dead", reason=outcome.reason, seconds=took, exc_info=outcome.error)
        case "retryable":
            log.warning(
                "attempt failed",
                again_in=round(outcome.wait, 1),
                seconds=took,
                exc_info=outcome.error,
            )
        case kind:
            log.info(f"job {kind}", seconds=took)
