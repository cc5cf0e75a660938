"""`jobkit jobs`: list, show, retry and cancel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.choosing import (
    AfterOption,
    LimitOption,
    QueuesOption,
    ReasonOption,
    SinceOption,
    StatesOption,
    TasksOption,
    TenantOption,
    UntilOption,
    chosen,
)
from jobkit.cli.describing import as_data, job_data, job_with_failures
from jobkit.cli.output import JsonOption, moment, print_json, print_table, say
from jobkit.errors import IllegalTransition, JobNotFound

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.job import Job

IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="The jobs' ids.")]

group = typer.Typer(no_args_is_help=True, help="Find, show, retry and cancel jobs.")


@group.command("list")
def list_(
    app: AppOption = None,
    states: StatesOption = None,
    tasks: TasksOption = None,
    queues: QueuesOption = None,
    tenant: TenantOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 50,
    after: AfterOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, the newest first."""
    with opened(app) as jobs:
        where = chosen(
            jobs, states=states, tasks=tasks, queues=queues, tenant=tenant, reason=reason,
            since=since, until=until,
        )  # fmt: skip
        found = jobs.find(where, limit=limit, after=after)
    if as_json:
        print_json([job_data(job) for job in found])
        return
    print_table(
        ("id", "task", "queue", "state", "attempt", "created", "progress"),
        (
            (
                job.id, job.task, job.queue, state_of(job), f"{job.attempt} of {job.max_attempts}",
                job.created_at, progress_of(job),
            )
            for job in found
        ),
        empty="no jobs",
    )  # fmt: skip
    if len(found) == limit:
        say(f"there may be more: --after {found[-1].id}", "dim", stderr=True)


@group.command()
def show(
    job: Annotated[str, typer.Argument(metavar="ID", help="The job's id.")],
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a job with its payload, its result and what went wrong; private values are left out."""
    with opened(app) as jobs:
        found = jobs.look_up(job)
    if as_json:
        print_json(job_with_failures(found))
        return
    for name, value in _facts(found):
        say(f"{name + ':':<13} {value}")
    for failure in found.failures:
        say(f"\nattempt {failure.attempt}, {moment(failure.at)}: {failure.kind}", "bold")
        say(failure.traceback or f"{failure.type}: {failure.message}")


@group.command()
def retry(ids: IdsArgument, app: AppOption = None) -> None:
    """Make dead or cancelled jobs available again, with a whole round of attempts."""
    with opened(app) as jobs:
        _each(ids, lambda id: _retry(jobs, id))


@group.command()
def cancel(ids: IdsArgument, app: AppOption = None) -> None:
    """Cancel jobs: at once while they wait, at their next safe point while they run."""
    with opened(app) as jobs:
        _each(ids, lambda id: _cancel(jobs, id))


def state_of(job: Job) -> str:
    """Return a job's state, and why where it is dead or being cancelled."""
    if job.reason:
        return f"{job.state.value} ({job.reason})"
    if job.cancel_requested and not job.state.ended:
        return f"{job.state.value}, cancelling"
    return job.state.value


def progress_of(job: Job) -> str:
    """Return how far a job has come, in one phrase."""
    if job.progress is None:
        return ""
    of = f" of {job.progress.of}" if job.progress.of is not None else ""
    note = f", {job.progress.note}" if job.progress.note else ""
    return f"{job.progress.done}{of}{note}"


def _facts(job: Job) -> list[tuple[str, Any]]:
    facts = [
        ("id", job.id),
        ("task", job.task),
        ("state", state_of(job)),
        ("queue", f"{job.queue}, {job.priority.name.lower()} priority"),
        ("tenant", job.tenant_id),
        ("attempt", f"{job.attempt} of {job.max_attempts}"),
        ("crashes", job.crashes or None),
        ("schedule", job.schedule),
        ("foreign id", job.foreign_id),
        ("created", moment(job.created_at)),
        ("scheduled", moment(job.scheduled_at)),
        ("started", moment(job.started_at)),
        ("finished", moment(job.finished_at)),
        ("progress", progress_of(job)),
        ("payload", json.dumps(json.loads(job.payload), ensure_ascii=False)),
        ("result", json.dumps(as_data(job.result), ensure_ascii=False) if job.result else None),
    ]
    return [(name, value) for name, value in facts if value not in (None, "")]


def _each(ids: list[str], change: Any) -> None:
    """Change jobs one by one; those that cannot be are told, and fail the command at its end."""
    failed = False
    for id in ids:
        try:
            say(change(id))
        except (JobNotFound, IllegalTransition) as error:
            say(error.message, "red", stderr=True)
            failed = True
    if failed:
        raise typer.Exit(1)


def _retry(jobs: Jobkit, id: str) -> str:
    jobs.retry(id)
    return f"{id} is available again"


def _cancel(jobs: Jobkit, id: str) -> str:
    state = jobs.cancel(id)
    if state.value == "cancelled":
        return f"{id} is cancelled"
    if state.ended:
        raise IllegalTransition(f"{id} is {state.value} already")
    return f"{id} is {state.value} and asked to stop"
