"""Rules on tasks: their names, limits, retries and uniqueness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pydantic.errors import PydanticUserError

from jobkit.checks.declared import Declared, Rule
from jobkit.checks.report import Finding, fault, warning
from jobkit.errors import TransientError
from jobkit.job import JobState
from jobkit.task import Task


def names_are_unique(declared: Declared) -> Iterator[Finding]:
    """Find names and aliases that belong to two tasks."""
    claims: dict[str, dict[int, Task[Any, Any]]] = defaultdict(dict)
    for task in declared.tasks:
        for name in {task.name, *task.aliases}:
            claims[name][id(task)] = task
    for name, tasks in claims.items():
        if len(tasks) > 1:
            holders = " and ".join(sorted(map(_place, tasks.values())))
            yield fault(
                "duplicate-task",
                name,
                f"{holders} are called this; rename one, or drop the alias",
            )


def limits_are_in_order(declared: Declared) -> Iterator[Finding]:
    """Find limits that cannot be kept."""
    for task in declared.tasks:
        soft, hard = task.soft_time_limit, task.time_limit
        if any(limit is not None and limit <= 0 for limit in (soft, hard)):
            yield fault("limit-not-positive", task.name, "time limits are seconds, more than 0")
        elif soft is not None and hard is not None and soft >= hard:
            yield fault(
                "soft-limit-over-hard",
                task.name,
                f"its soft_time_limit of {soft:g} s never comes before its time_limit of "
                f"{hard:g} s; make it shorter",
            )


def limits_fit_the_worker(declared: Declared) -> Iterator[Finding]:
    """Warn of limits that workers cannot keep, or do not wait for when they stop."""
    grace, pool = declared.settings.grace_seconds, declared.settings.worker_pool
    for task in declared.tasks:
        if task.time_limit is not None and pool != "prefork":
            yield warning(
                "hard-limit-without-prefork",
                task.name,
                f"its time_limit ends it by force only in the pool prefork, not in {pool}; "
                "give it a soft_time_limit as well",
            )
        limits = [limit for limit in (task.soft_time_limit, task.time_limit) if limit is not None]
        if limits and min(limits) > grace:
            yield warning(
                "time-limit-over-grace",
                task.name,
                f"it may run {min(limits):g} s, and a stopping worker interrupts it after "
                f"{grace:g} s (JOBKIT_GRACE_SECONDS); it then runs again from its start",
            )


def retries_mean_something(declared: Declared) -> Iterator[Finding]:
    """Find retry policies that contradict themselves."""
    for task in declared.tasks:
        for kind in task.retry.permanent:
            if issubclass(kind, TransientError):
                yield fault(
                    "retry-permanent-transient",
                    task.name,
                    f"Retry(permanent=...) names {kind.__name__}, which is always tried again; "
                    "raise a PermanentError instead",
                )
            elif issubclass(Exception, kind) and task.retry.max_attempts > 1:
                yield warning(
                    "retry-in-vain",
                    task.name,
                    f"Retry(permanent=({kind.__name__},)) lets no error be tried again but "
                    "TransientError; use NO_RETRY if that is meant",
                )


def uniqueness_is_by_fields(declared: Declared) -> Iterator[Finding]:
    """Find tasks unique by what their payload does not have, or by nothing that is kept."""
    for task in declared.tasks:
        for name in task.unique_by:
            fields = task.payload_type.model_fields
            if name not in fields:
                known = ", ".join(fields) or "none"
                yield fault(
                    "unique-by-unknown-field",
                    task.name,
                    f"{task.payload_type.__name__} has no field {name!r} to be unique by; "
                    f"it has: {known}",
                )
            elif fields[name].exclude:
                yield fault(
                    "unique-by-unknown-field",
                    task.name,
                    f"{task.payload_type.__name__}.{name} is left out of JSON by exclude=True, so "
                    "that all jobs would look alike; be unique by another field",
                )
        if task.unique and not task.durable:
            yield fault(
                "unique-without-store",
                task.name,
                "being unique is up to the job store, which durable=False skips; drop one of them",
            )


def uniqueness_outlasts_its_period(declared: Declared) -> Iterator[Finding]:
    """Warn of periods that are longer than the jobs they count are kept."""
    settings = declared.settings
    kept = {
        JobState.COMPLETED: settings.keep_completed_days,
        JobState.CANCELLED: settings.keep_cancelled_days,
        JobState.DEAD: settings.keep_dead_days,
    }
    for task in declared.tasks:
        if task.unique is None:
            continue
        for state, days in kept.items():
            if state in task.unique.counted and task.unique.seconds > days * 86_400:
                yield warning(
                    "unique-period-over-retention",
                    task.name,
                    f"{state} jobs count for its whole period, and are deleted after {days:g} "
                    f"days; raise JOBKIT_KEEP_{state.upper()}_DAYS",
                )


def payloads_are_stored_whole(declared: Declared) -> Iterator[Finding]:
    """Find payload fields that would not come back from the store."""
    for task in declared.tasks:
        for name, field in task.payload_type.model_fields.items():
            if field.exclude and field.is_required():
                yield fault(
                    "field-not-stored",
                    task.name,
                    f"{task.payload_type.__name__}.{name} is left out of JSON by exclude=True, so "
                    "no worker would get it; mark it as jobkit.Secret to keep it from being seen",
                )


def results_have_a_type(declared: Declared) -> Iterator[Finding]:
    """Find result annotations that pydantic can neither validate nor write."""
    for task in declared.tasks:
        try:
            task.results  # noqa: B018
        except PydanticUserError as error:
            first = error.message.partition("\n")[0]
            yield fault(
                "result-type-unusable",
                task.name,
                f"its result type cannot be stored: {first}; return a jobkit.Result, a dataclass "
                "or plain data",
            )


def _place(task: Task[Any, Any]) -> str:
    return f"{task.fn.__module__}.{task.fn.__qualname__}"


RULES: tuple[Rule, ...] = (
    names_are_unique,
    limits_are_in_order,
    limits_fit_the_worker,
    retries_mean_something,
    uniqueness_is_by_fields,
    uniqueness_outlasts_its_period,
    payloads_are_stored_whole,
    results_have_a_type,
)
