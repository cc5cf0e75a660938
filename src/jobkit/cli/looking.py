"""Commands that list what an application has: tasks and queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.task import Task

_COUNTED = ("available", "executing", "scheduled", "retryable", "dead")


def tasks(app: AppOption = None, as_json: JsonOption = False) -> None:
    """List the tasks with their queue, policy and adapters."""
    with opened(app) as jobs:
        listed = [_task_data(task) for task in sorted(jobs.tasks, key=lambda task: task.name)]
    if as_json:
        print_json(listed)
        return
    print_table(
        ("task", "queue", "attempts", "time limit", "schedule", "adapters", ""),
        (
            (
                one["name"],
                one["queue"],
                one["retry"]["max_attempts"],
                f"{one['time_limit']:g} s" if one["time_limit"] else "",
                one["schedule"],
                ", ".join(one["adapters"]),
                one["doc"].partition("\n")[0],
            )
            for one in listed
        ),
        empty="this application has no tasks",
    )


def queues(app: AppOption = None, as_json: JsonOption = False) -> None:
    """List the queues with their jobs and the workers that serve them."""
    with opened(app) as jobs:
        listed = _queues(jobs)
    if as_json:
        print_json(listed)
        return
    print_table(
        ("queue", *_COUNTED, "workers"),
        (
            (
                one["queue"],
                *(one["jobs"].get(state, 0) for state in _COUNTED),
                one["workers"],
            )
            for one in listed
        ),
        empty="this application has no queues",
    )


def _task_data(task: Task[Any, Any]) -> dict[str, Any]:
    from jobkit.adapters.registry import name_of

    return {
        "name": task.name,
        "doc": task.doc,
        "queue": task.queue.name,
        "priority": task.priority.name.lower(),
        "retry": {
            "max_attempts": task.retry.max_attempts,
            "base": task.retry.base,
            "factor": task.retry.factor,
            "maximum": task.retry.maximum,
            "jitter": task.retry.jitter,
        },
        "time_limit": task.time_limit,
        "soft_time_limit": task.soft_time_limit,
        "unique_by": list(task.unique_by),
        "on_conflict": task.unique.on_conflict if task.unique else None,
        "durable": task.durable,
        "schedule": str(task.schedule) if task.schedule else None,
        "aliases": list(task.aliases),
        "adapters": [name_of(wish.protocol) for wish in task.wishes],
        "payload": task.payload_type.model_json_schema(),
    }


def _queues(jobs: Jobkit) -> list[dict[str, Any]]:
    from jobkit.cli.installation import living
    from jobkit.store import reading

    workers = [row for row in living(jobs) if not row.quiet]
    with jobs.database.read() as conn:
        counts = reading.counts(conn)
    served = {queue for row in workers for queue in row.queues}
    return [
        {
            "queue": queue,
            "jobs": {str(state): number for state, number in counts.get(queue, {}).items()},
            "workers": sum(queue in row.queues for row in workers),
        }
        for queue in sorted({*jobs.queues(), *counts, *served})
    ]


def add_to(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (tasks, queues):
        cli.command(rich_help_panel="Look")(command)
