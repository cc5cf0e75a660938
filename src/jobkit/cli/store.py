"""Commands for the job store itself: its schema, and what it forgets."""

from __future__ import annotations

from datetime import timedelta

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.output import JsonOption, print_json, say

group = typer.Typer(no_args_is_help=True, help="The schema of the job store.")

_BATCH = 500


@group.command()
def upgrade(app: AppOption = None) -> None:
    """Migrate the store to the schema of this release; does nothing where it is there already."""
    from jobkit.store import migrating

    with opened(app) as jobs:
        before = migrating.status(jobs.database)
        if before.is_current:
            say(f"{jobs.database} has schema {before.head} already")
            return
        migrating.upgrade(jobs.database)
        say(f"{jobs.database} has schema {before.head} now, and had {before.current or 'none'}")


@group.command()
def status(app: AppOption = None, as_json: JsonOption = False) -> None:
    """Tell which schema the store has and which this release needs; ends with 3 if they differ."""
    from jobkit.store import migrating

    with opened(app) as jobs:
        found = migrating.status(jobs.database)
        where = str(jobs.database)
    if as_json:
        print_json(
            {
                "store": where,
                "current": found.current,
                "head": found.head,
                "is_current": found.is_current,
            }
        )
    elif found.is_current:
        say(f"{where} has schema {found.current}, which this release needs")
    elif found.is_newer:
        say(f"{where} has schema {found.current}, newer than {found.head}: upgrade jobkit here")
    else:
        say(f"{where} has schema {found.current or 'none'}, this release needs {found.head}: "
            "run `jobkit db upgrade`")  # fmt: skip
    raise typer.Exit(0 if found.is_current else 3)


def prune(app: AppOption = None) -> None:
    """Delete jobs that ended longer ago than the settings keep them."""
    from jobkit.store import retention

    with opened(app) as jobs:
        jobs.start()
        now, keep = jobs.clock.now(), jobs.settings
        total = 0
        while True:
            number = jobs.database.write(
                lambda conn: retention.prune(
                    conn,
                    completed_before=now - timedelta(days=keep.keep_completed_days),
                    cancelled_before=now - timedelta(days=keep.keep_cancelled_days),
                    dead_before=now - timedelta(days=keep.keep_dead_days),
                    now=now,
                    limit=_BATCH,
                )
            )
            total += number
            if number < _BATCH:
                break
    say(f"{total} jobs are deleted")


def add_to(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.add_typer(group, name="db", rich_help_panel="Act")
    cli.command(rich_help_panel="Act")(prune)
