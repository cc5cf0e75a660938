"""Rules on what runs by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pydantic import ValidationError

from jobkit.adapters.tenants import Tenants
from jobkit.checks.declared import Declared, Rule, ScheduleEntry
from jobkit.checks.report import Finding, fault
from jobkit.clock import Clock
from jobkit.privacy import describe_validation_error


def schedules_have_one_name(declared: Declared) -> Iterator[Finding]:
    """Find names that two schedules share."""
    counts = Counter(entry.name for entry in declared.schedules)
    for name, count in counts.items():
        if count > 1:
            yield fault(
                "duplicate-schedule",
                name,
                f"{count} schedules have this name, and each due run would happen for one of them",
            )


def schedules_run_known_tasks(declared: Declared) -> Iterator[Finding]:
    """Find schedules of tasks that are not there."""
    names = {name for task in declared.tasks for name in (task.name, *task.aliases)}
    for entry in declared.schedules:
        if entry.task_name not in names:
            yield fault(
                "schedule-unknown-task",
                entry.name,
                f"it runs {entry.task_name}, which no task is named; pass its TaskSet to "
                "Jobkit(tasks=[...])",
            )


def schedules_have_payloads(declared: Declared) -> Iterator[Finding]:
    """Find schedules whose payload cannot be built."""
    tasks = {name: task for task in declared.tasks for name in (task.name, *task.aliases)}
    for entry in declared.schedules:
        task = tasks.get(entry.task_name)
        if task is None:
            continue
        kind = task.payload_type
        # Each tenant's run is given the id of its own.
        tenant = {"tenant_id": "a-tenant"} if entry.policy.per_tenant else {}
        try:
            kind.model_validate({**entry.payload, **tenant})
        except ValidationError as error:
            told = describe_validation_error(error, kind, entry.payload)
        except Exception as error:  # a validator of the host's that fails
            told = f"a validator raised {type(error).__name__}"
        else:
            continue
        yield fault(
            "schedule-payload-invalid",
            entry.name,
            f"its payload is no {kind.__name__}: {told}; set schedule_payload",
        )


def tenants_can_be_listed(declared: Declared) -> Iterator[Finding]:
    """Find schedules that run for each tenant where nothing tells the tenants."""
    for entry in declared.schedules:
        if entry.policy.per_tenant and Tenants not in declared.adapters:
            yield fault(
                "schedule-without-tenants",
                entry.name,
                "it runs for each tenant, and no Tenants adapter lists them; bind one",
            )


def schedules_come(declared: Declared) -> Iterator[Finding]:
    """Find schedules that do not tell when they are next due."""
    for entry in declared.schedules:
        if (trouble := _trouble(entry)) is not None:
            yield fault("schedule-broken", entry.name, trouble)


def _trouble(entry: ScheduleEntry) -> str | None:
    now = Clock().now()
    try:
        moment = entry.schedule.next_after(now)
        later = moment.utcoffset() is not None and moment > now
    except Exception as error:
        return f"its next run cannot be told: {type(error).__name__}: {error}"
    if not later:
        return f"next_after() answers {moment}; it must be later, and have a time zone"
    return None


RULES: tuple[Rule, ...] = (
    schedules_have_one_name,
    schedules_run_known_tasks,
    schedules_have_payloads,
    schedules_come,
    tenants_can_be_listed,
)
