"""Running one task in this process, with fakes for whom it works with."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

from jobkit.adapters.registry import AdapterRegistry
from jobkit.context import JobContext
from jobkit.execution.results import serialise
from jobkit.execution.run import collaborators
from jobkit.execution.values import Values
from jobkit.logs import get_logger, job_logging
from jobkit.payload import Payload
from jobkit.privacy import Redactor, private_values, seal, unseal
from jobkit.settings import Settings
from jobkit.submission import tenant_of
from jobkit.task import P, R, Task
from jobkit.testing.books import CIPHER
from jobkit.testing.recorder import Enqueued, Recorder, RecordingPorts, Shown, submission

R_co = TypeVar("R_co", covariant=True)
_JOB_LOGGER = "jobkit.job"


@dataclass(frozen=True)
class Ran(Generic[R_co]):
    """Hold what came of running a task that succeeded."""

    result: R_co
    """The answer, as `handle.result()` gives it: after its way through JSON."""

    recorder: Recorder

    @property
    def progress(self) -> list[Shown]:
        """Return all progress that was shown."""
        return self.recorder.progress

    @property
    def enqueued(self) -> list[Enqueued]:
        """Return the follow-up jobs; `assert_enqueued` reads them too."""
        return self.recorder.enqueued

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Return the lines of `job.log`, private values redacted."""
        return self.recorder.logs


@overload
def run_task(
    task: Task[P, R],
    payload: P,
    /,
    *,
    adapters: Mapping[Any, Any] | None = None,
    attempt: int = 1,
    scheduled_for: datetime | None = None,
    recorder: Recorder | None = None,
    **fakes: Any,
) -> Ran[R]: ...


@overload
def run_task(
    task: Task[P, R],
    /,
    *,
    adapters: Mapping[Any, Any] | None = None,
    attempt: int = 1,
    scheduled_for: datetime | None = None,
    recorder: Recorder | None = None,
    **fields_and_fakes: Any,
) -> Ran[R]: ...


def run_task(
    task: Task[Any, Any],
    payload: Any = None,
    /,
    *,
    adapters: Mapping[Any, Any] | None = None,
    attempt: int = 1,
    scheduled_for: datetime | None = None,
    recorder: Recorder | None = None,
    **given: Any,
) -> Ran[Any]:
    """Run *task* once as a worker would, and return what came of it.

    The payload is a model or its fields as keywords. Fakes come by protocol in *adapters*, or as
    the keywords by which the task asks for them; a generator function is a factory, closed when
    the task has ended. Payload and result take their way through JSON, as in the store. Whatever
    the task raises is raised here, and `ResultInvalid` for an answer that cannot be stored: pass a
    *recorder* to see what happened until then. Run again with the same recorder, the task is in a
    later attempt at the same job: effects, steps and cursors are those of the recorder.
    """
    wished = {wish.keyword: wish.protocol for wish in task.wishes}
    fakes = {wished[name]: value for name, value in given.items() if name in wished}
    fields = {name: value for name, value in given.items() if name not in wished}
    if payload is not None and fields:
        raise TypeError(
            f"{task.name} works with nothing called {', '.join(sorted(fields))}; "
            f"it asks for: {', '.join(sorted(wished)) or 'nothing'}"
        )
    model = _as_stored(task, submission(task).payload(task, fields if payload is None else payload))
    recorder = recorder or Recorder()
    job = recorder.job_id
    redactor = Redactor(private_values(model))
    limit = Settings.model_fields["result_max_bytes"].default
    ports = RecordingPorts(recorder, _limit(task), Values(CIPHER, limit, redactor))
    with (
        _caught_logs(job, recorder),
        job_logging(
            job=job, task=task.name, attempt=attempt, tenant=tenant_of(model),
            redactor=redactor,
        ) as log,
        _registry({**(adapters or {}), **fakes}).container() as container,
    ):  # fmt: skip
        context = JobContext(
            id=job, task=task.name, attempt=attempt, tenant_id=tenant_of(model),
            scheduled_for=scheduled_for, log=log, ports=ports,
        )  # fmt: skip
        value = task.fn(model, **collaborators(task, container, context))
    text = serialise(task, value, CIPHER, limit)
    return Ran(task.results.validate_python(unseal(text, CIPHER)), recorder)


def job_context(
    recorder: Recorder | None = None,
    *,
    task: str = "tests.task",
    attempt: int = 1,
    tenant_id: str | None = None,
    scheduled_for: datetime | None = None,
) -> JobContext:
    """Return a context for a test that calls a task as the plain function that it is."""
    recorder = recorder or Recorder()
    job = recorder.job_id
    limit = Settings.model_fields["result_max_bytes"].default
    return JobContext(
        id=job, task=task, attempt=attempt, tenant_id=tenant_id, scheduled_for=scheduled_for,
        log=get_logger(_JOB_LOGGER).bind(job=job, task=task, attempt=attempt),
        ports=RecordingPorts(recorder, None, Values(CIPHER, limit)),
    )  # fmt: skip


def _as_stored(task: Task[Any, Any], payload: Payload) -> Payload:
    """Return *payload* as a worker reads it from the store."""
    model: Payload = task.payload_type.model_validate(unseal(seal(payload, CIPHER), CIPHER))
    return model


def _limit(task: Task[Any, Any]) -> float | None:
    return task.time_limit if task.soft_time_limit is None else task.soft_time_limit


def _registry(fakes: Mapping[Any, Any]) -> AdapterRegistry:
    registry = AdapterRegistry()
    bind_all(registry, fakes)
    return registry


def bind_all(registry: AdapterRegistry, adapters: Mapping[Any, Any]) -> None:
    """Bind each protocol to its adapter, or to its factory where that is a generator function."""
    for protocol, adapter in adapters.items():
        binding = registry.bind(protocol)
        if inspect.isgeneratorfunction(adapter):
            binding.to_factory(adapter)
        else:
            binding.to(adapter)


class _Catcher(logging.Handler):
    def __init__(self, job: str, recorder: Recorder) -> None:
        super().__init__()
        self._job = job
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict) and record.msg.get("job") == self._job:
            line = {**record.msg, "level": record.levelname.lower()}
            self._recorder.logs.append(line)


@contextmanager
def _caught_logs(job: str, recorder: Recorder) -> Iterator[None]:
    """Record what the job logs, also below the level at which this process shows logs."""
    logger = logging.getLogger(_JOB_LOGGER)
    catcher, level = _Catcher(job, recorder), logger.level
    logger.addHandler(catcher)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(catcher)
