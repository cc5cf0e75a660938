"""Commands that run until they are told to stop: worker and beat."""

from __future__ import annotations

from typing import Annotated

import typer

from jobkit.cli.application import AppOption, find_application
from jobkit.cli.tie import TiedOption, stop_with

QueuesOption = Annotated[
    str | None,
    typer.Option("--queues", "-Q", metavar="A,B", help="Serve these queues; * is every one."),
]
ProfileOption = Annotated[
    str, typer.Option("--profile", help="Serve the queues of this profile of the settings.")
]
PoolOption = Annotated[
    str | None,
    typer.Option("--pool", "-P", help="How jobs run beside each other: prefork, threads or solo."),
]
ConcurrencyOption = Annotated[
    int | None,
    typer.Option("--concurrency", "-c", min=1, help="Jobs at once; one a processor by default."),
]
LogLevelOption = Annotated[
    str | None, typer.Option("--log-level", "-l", help="DEBUG, INFO, WARNING or ERROR.")
]


def worker(
    app: AppOption = None,
    queues: QueuesOption = None,
    profile: ProfileOption = "default",
    pool: PoolOption = None,
    concurrency: ConcurrencyOption = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="A unique name for this worker.")
    ] = None,
    events: Annotated[
        bool, typer.Option("--events", "-E", help="Send Celery's task events from the start.")
    ] = False,
    log_level: LogLevelOption = None,
    tied: TiedOption = None,
) -> None:
    """Run jobs.

    Asked to stop by SIGTERM or Ctrl-C, a worker finishes the jobs it has, within the grace period;
    asked again, it gives them back to others. SIGTSTP, or `jobkit quiet`, makes it finish what it
    has and take nothing new.
    """
    from jobkit.worker import run_worker

    stop_with(tied)
    code = run_worker(
        find_application(app),
        queues=[part.strip() for part in queues.split(",") if part.strip()] if queues else (),
        profile=profile,
        pool=pool,
        concurrency=concurrency,
        name=name,
        log_level=log_level.upper() if log_level else None,
        events=events,
    )
    raise typer.Exit(code)


def beat(app: AppOption = None, log_level: LogLevelOption = None, tied: TiedOption = None) -> None:
    """Let schedules become jobs; any number may run, each due run happens once."""
    from jobkit.worker import run_beat

    stop_with(tied)
    raise typer.Exit(
        run_beat(find_application(app), log_level=log_level.upper() if log_level else None)
    )


def add_to(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (worker, beat):
        cli.command(rich_help_panel="Run")(command)
