"""Choosing jobs on the command line: the options of listings and of bulk changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from jobkit.cli.fields import past_moment
from jobkit.job import JobState

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.store.reading import JobFilter

StatesOption = Annotated[
    list[JobState] | None, typer.Option("--state", "-s", help="Jobs in this state; repeatable.")
]
TasksOption = Annotated[
    list[str] | None, typer.Option("--task", "-t", help="Jobs of this task; repeatable.")
]
QueuesOption = Annotated[
    list[str] | None, typer.Option("--queue", "-q", help="Jobs of this queue; repeatable.")
]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Jobs of this tenant.")]
ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", help="Dead for this reason: exhausted, permanent, poison, invalid."),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="MOMENT", help="Made after 2027-01-31T09:00, or 2h ago."),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="MOMENT", help="Made before 2027-01-31T09:00, or 2h ago."),
]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")]
AfterOption = Annotated[
    str | None, typer.Option("--after", metavar="ID", help="The page after the job of this id.")
]


def chosen(
    jobs: Jobkit,
    *,
    states: Sequence[JobState] | None = None,
    tasks: Sequence[str] | None = None,
    queues: Sequence[str] | None = None,
    tenant: str | None = None,
    reason: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> JobFilter:
    """Return the filter that these options describe."""
    from jobkit.store.reading import JobFilter

    now = jobs.clock.now()
    return JobFilter(
        states=tuple(states or ()),
        tasks=tuple(tasks or ()),
        queues=tuple(queues or ()),
        tenant_id=tenant,
        reason=reason,
        created_after=past_moment(since, now) if since else None,
        created_before=past_moment(until, now) if until else None,
    )
