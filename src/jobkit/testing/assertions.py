"""Asserting what was enqueued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from jobkit.app import Jobkit
from jobkit.errors import UnknownTask
from jobkit.job import Job
from jobkit.payload import Payload
from jobkit.privacy import unseal
from jobkit.store import reading
from jobkit.store.reading import JobFilter
from jobkit.task import OPTIONS, Task
from jobkit.testing.recorder import Enqueued, Recorder
from jobkit.testing.running import Ran

Source = Jobkit | Ran[Any] | Recorder

_PAGE = 200
_SHOWN = 20
_TOLERANCE = timedelta(seconds=1)


def enqueued(source: Source, task: Task[Any, Any] | str | None = None) -> list[Enqueued]:
    """Return the jobs that were enqueued, of one task or of all, the oldest first.

    *source* is an application, or what `run_task` gave: then it is the task's follow-ups. Jobs
    count whatever has become of them since.
    """
    name = task.name if isinstance(task, Task) else task
    if not isinstance(source, Jobkit):
        return [one for one in source.enqueued if name in (None, one.task)]
    where = JobFilter(tasks=(name,) if name else ())
    return [_read(source, job) for job in _all(source, where)]


def assert_enqueued(
    source: Source, task: Task[Any, Any] | str, /, *, times: int = 1, **expected: Any
) -> list[Enqueued]:
    """Assert that *task* was enqueued exactly *times* times with such a payload.

    *expected* names fields of the payload, or options of `enqueue`: `queue`, `priority`,
    `max_attempts`, `scheduled_at`, `delay`; times count as equal within a second. What is not
    named does not matter. Returns the jobs that match.
    """
    found = enqueued(source, task)
    matching = [one for one in found if _matches(one, expected)]
    if len(matching) != times:
        raise AssertionError(_told(source, task, expected, f"{times}", matching, found))
    return matching


def refute_enqueued(source: Source, task: Task[Any, Any] | str, /, **expected: Any) -> None:
    """Assert that *task* was not enqueued with such a payload; without fields: not at all."""
    found = enqueued(source, task)
    if matching := [one for one in found if _matches(one, expected)]:
        raise AssertionError(_told(source, task, expected, "no", matching, matching))


def _all(jobs: Jobkit, where: JobFilter) -> Iterator[Job]:
    jobs.start()
    after: str | None = None
    while True:
        with jobs.database.read() as conn:
            page = reading.find(conn, where, limit=_PAGE, after=after, newest_first=False)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _read(jobs: Jobkit, job: Job) -> Enqueued:
    with jobs.database.read() as conn:
        text = reading.raw_payload(conn, job.id)
    data = unseal(text or "{}", jobs.cipher)
    try:
        payload: Any = jobs.tasks.find(job.task).payload_type.model_validate(data)
    except (UnknownTask, ValidationError):
        payload = data
    options = {
        "queue": job.queue,
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "scheduled_at": job.scheduled_at,
        "delay": job.scheduled_at - job.created_at,
    }
    return Enqueued(job.task, payload, options, job)


def _matches(one: Enqueued, expected: Mapping[str, Any]) -> bool:
    return all(_is(_value(one, name), wanted) for name, wanted in expected.items())


def _value(one: Enqueued, name: str) -> Any:
    if name in OPTIONS:
        if one.job is not None and name not in one.options:
            raise TypeError(f"{name} is not kept with a job, and cannot be asserted")
        return one.options.get(name)
    if isinstance(one.payload, Payload):
        # A misspelt field would make refute_enqueued true for ever.
        if name not in type(one.payload).model_fields:
            fields = ", ".join(sorted(type(one.payload).model_fields))
            raise TypeError(f"{one.task} has no payload field {name!r}; it has: {fields}")
        return getattr(one.payload, name)
    return one.payload.get(name)


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(value, timedelta) and isinstance(wanted, int | float):
        wanted = timedelta(seconds=wanted)
    if isinstance(value, datetime) and isinstance(wanted, datetime):
        return abs(value - wanted) <= _TOLERANCE
    if isinstance(value, timedelta) and isinstance(wanted, timedelta):
        return abs(value - wanted) <= _TOLERANCE
    return bool(value == wanted) or bool(_as_json(value) == wanted)


def _as_json(value: Any) -> Any:
    """Return *value* as a program without jobkit would send it, such as a date as text."""
    return to_jsonable_python(value, fallback=lambda unknown: unknown)


def _told(
    source: Source,
    task: Task[Any, Any] | str,
    expected: Mapping[str, Any],
    wanted: str,
    matching: list[Enqueued],
    found: list[Enqueued],
) -> str:
    name = task.name if isinstance(task, Task) else task
    fields = ", ".join(f"{field}={value!r}" for field, value in expected.items())
    head = f"wanted {wanted} job of {name}({fields}), and {len(matching)} were enqueued"
    if found:
        return f"{head}; of this task there are:{_listed(found)}"
    if others := enqueued(source):
        return f"{head}; there are only:{_listed(others)}"
    return f"{head}; nothing was enqueued at all"


def _listed(jobs: list[Enqueued]) -> str:
    lines = [f"\n  {one}" for one in jobs[:_SHOWN]]
    if len(jobs) > _SHOWN:
        lines.append(f"\n  and {len(jobs) - _SHOWN} more")
    return "".join(lines)
