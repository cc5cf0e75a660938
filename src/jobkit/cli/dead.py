"""`jobkit dead`: the dead letters, one by one or by filter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.choosing import (
    AfterOption,
    LimitOption,
    QueuesOption,
    ReasonOption,
    SinceOption,
    TasksOption,
    TenantOption,
    UntilOption,
    chosen,
)
from jobkit.cli.describing import job_with_failures
from jobkit.cli.jobs import state_of
from jobkit.cli.output import JsonOption, first_line, print_json, print_table, say
from jobkit.errors import ConfigurationError, IllegalTransition, JobNotFound
from jobkit.job import JobState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jobkit.app import Jobkit
    from jobkit.job import Job
    from jobkit.store.reading import JobFilter

IdsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Their ids, or choose by options.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All dead letters.")]

group = typer.Typer(no_args_is_help=True, help="List, retry and delete dead letters.")


@group.command("list")
def list_(
    app: AppOption = None,
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
    """List the dead letters with what killed them, the newest first."""
    with opened(app) as jobs:
        where = chosen(
            jobs, states=[JobState.DEAD], tasks=tasks, queues=queues, tenant=tenant,
            reason=reason, since=since, until=until,
        )  # fmt: skip
        # A page at most: each is read again for its failures.
        found = [jobs.look_up(job.id) for job in jobs.find(where, limit=limit, after=after)]
    if as_json:
        print_json([job_with_failures(job) for job in found])
        return
    print_table(
        ("id", "task", "state", "attempt", "finished", "error"),
        (
            (
                job.id, job.task, state_of(job), f"{job.attempt} of {job.max_attempts}",
                job.finished_at, _error(job),
            )
            for job in found
        ),
        empty="no dead letters",
    )  # fmt: skip
    if len(found) == limit:
        say(f"there may be more: --after {found[-1].id}", "dim", stderr=True)


@group.command()
def retry(
    ids: IdsArgument = None,
    app: AppOption = None,
    tasks: TasksOption = None,
    queues: QueuesOption = None,
    tenant: TenantOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: AllOption = False,
) -> None:
    """Make dead letters available again, with a whole round of attempts."""
    _refuse_a_guess(ids, everything, tasks, queues, tenant, reason, since, until)
    from jobkit.store import changing

    with opened(app) as jobs:
        if ids:
            number = _one_by_one(jobs, ids, jobs.retry)
            say(f"{number} dead letters are available again")
            raise typer.Exit(0 if number == len(ids) else 1)
        where = chosen(
            jobs, states=[JobState.DEAD], tasks=tasks, queues=queues, tenant=tenant,
            reason=reason, since=since, until=until,
        )  # fmt: skip
        number = _in_batches(
            jobs, lambda conn: changing.retry_all(conn, where, jobs.clock.now(), limit=_BATCH)
        )
        for queue in queues or jobs.queues():
            if number:
                jobs.ring(queue)
    say(f"{number} dead letters are available again")


@group.command()
def delete(
    ids: IdsArgument = None,
    app: AppOption = None,
    tasks: TasksOption = None,
    queues: QueuesOption = None,
    tenant: TenantOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: AllOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete dead letters; they are gone for good."""
    _refuse_a_guess(ids, everything, tasks, queues, tenant, reason, since, until)
    from jobkit.store import changing

    with opened(app) as jobs:
        if ids:
            number = _one_by_one(jobs, ids, lambda id: _delete(jobs, id))
            say(f"{number} dead letters are deleted")
            raise typer.Exit(0 if number == len(ids) else 1)
        where = chosen(
            jobs, states=[JobState.DEAD], tasks=tasks, queues=queues, tenant=tenant,
            reason=reason, since=since, until=until,
        )  # fmt: skip
        _ask(jobs, where, yes)
        number = _in_batches(jobs, lambda conn: changing.delete_all(conn, where, limit=_BATCH))
    say(f"{number} dead letters are deleted")


_BATCH = 500


def _refuse_a_guess(ids: list[str] | None, everything: bool, *filters: object) -> None:
    if ids and (everything or any(filters)):
        raise ConfigurationError("give ids or options that choose, not both")
    if not ids and not everything and not any(filters):
        raise ConfigurationError(
            "which dead letters? Give their ids, options that choose, or --all"
        )


def _in_batches(jobs: Jobkit, change: Callable[[Connection], int]) -> int:
    """Change a batch a transaction until there is no more; returns how many were."""
    jobs.start()
    total = 0
    while number := jobs.database.write(change):
        total += number
        if number < _BATCH:
            break
    return total


def _one_by_one(jobs: Jobkit, ids: list[str], change: Callable[[str], None]) -> int:
    """Change each of these dead letters; returns how many, and tells why the others were not."""
    changed = 0
    for id in ids:
        try:
            job = jobs.look_up(id)
            if job.state is not JobState.DEAD:
                raise IllegalTransition(f"{id} is {job.state.value}, not dead")
            change(job.id)
            changed += 1
        except (JobNotFound, IllegalTransition) as error:
            say(error.message, "red", stderr=True)
    return changed


def _delete(jobs: Jobkit, id: str) -> None:
    from jobkit.store import changing

    jobs.database.write(lambda conn: changing.delete(conn, id))


def _ask(jobs: Jobkit, where: JobFilter, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("there is nobody to ask: pass --yes to delete them")
    typer.confirm(f"Delete {len(jobs.find(where, limit=1000))} dead letters for good?", abort=True)


def _error(job: Job) -> str:
    if not job.failures:
        return ""
    return first_line(f"{job.failures[-1].type}: {job.failures[-1].message}")
