"""`jobkit enqueue`: one job from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.fields import PriorityName, moment_of, payload_fields, span_of
from jobkit.cli.output import plain, print_json, say
from jobkit.errors import EnqueueError

if TYPE_CHECKING:
    from jobkit.app import Jobkit


def enqueue(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD=VALUE]...", help="The payload; name:=JSON for other than text."
        ),
    ] = None,
    app: AppOption = None,
    payload: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="OBJECT", help="The payload as JSON; - reads standard input."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Validate, show what would be stored, store nothing.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show its progress until it ends.")
    ] = False,
    delay: Annotated[
        str | None, typer.Option("--delay", metavar="SPAN", help="Run it after 90s, 15m, 2h, 7d.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="MOMENT", help="Run it at 2027-01-31T09:00.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", help="Another queue than the task's.")
    ] = None,
    priority: Annotated[
        PriorityName | None, typer.Option("--priority", help="Another priority than the task's.")
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option("--max-attempts", min=1, help="Attempts, the first included.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="One job a key, done or not.")
    ] = None,
) -> None:
    """Enqueue a job: validated as in the application, stored, and rung for."""
    options = _options(delay, at, queue, priority, max_attempts)
    if idempotency_key is not None:
        options["idempotency_key"] = idempotency_key
    given = payload_fields(fields or (), payload)
    with opened(app) as jobs:
        durable = jobs.tasks.find(task).durable
        if follow and not durable:
            raise EnqueueError(f"{task} is not durable: nothing is stored that could be followed")
        if dry_run:
            _show(jobs, task, given, options)
            return
        handle = jobs.enqueue(task, given, **options)
        if handle.duplicate:
            say("the same work is queued already; this is its job", "yellow", stderr=True)
        if not follow:
            print(handle.id)
            if durable:
                _warn_unheard(jobs, handle.job().queue)
            return
        from jobkit.cli.following import follow as follow_job

        raise typer.Exit(follow_job(jobs, handle))


def _options(
    delay: str | None,
    at: str | None,
    queue: str | None,
    priority: PriorityName | None,
    max_attempts: int | None,
) -> dict[str, Any]:
    from jobkit.queues import Priority

    options = {
        "delay": span_of(delay) if delay else None,
        "scheduled_at": moment_of(at) if at else None,
        "queue": queue,
        "priority": Priority[priority.name] if priority else None,
        "max_attempts": max_attempts,
    }
    return {name: value for name, value in options.items() if value is not None}


def _show(jobs: Jobkit, task: str, given: dict[str, Any], options: dict[str, Any]) -> None:
    from jobkit.privacy import redacted
    from jobkit.queues import Priority

    row = jobs.submission.build(task, given, options)
    print_json(
        {
            "task": row.task,
            "queue": row.queue,
            "priority": Priority(row.priority).name.lower(),
            "tenant_id": row.tenant_id,
            "max_attempts": row.max_attempts,
            "scheduled_at": row.scheduled_at.isoformat(),
            "payload": json.loads(redacted(row.payload)),
        }
    )


def _warn_unheard(jobs: Jobkit, queue: str) -> None:
    from jobkit.cli.installation import serving

    if not serving(jobs, queue):
        say(
            f"no worker serves the queue {plain(queue)} now; the job waits in the store",
            "yellow",
            stderr=True,
        )


def add_to(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(rich_help_panel="Act")(enqueue)
