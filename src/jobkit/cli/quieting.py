"""`jobkit quiet`: let workers finish before a deploy."""

from __future__ import annotations

from typing import Annotated

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.output import plain, say
from jobkit.errors import BrokerUnavailable


def quiet(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORKER]...", help="Their names; all living workers by default."),
    ] = None,
    app: AppOption = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for their answers.")
    ] = 5.0,
) -> None:
    """Let workers finish what they run and take nothing new, as before a deploy.

    They stay quiet until they are stopped. Ends with 1 if one of them does not answer.
    """
    from jobkit.cli.installation import living

    with opened(app) as jobs:
        wanted = names or [row.name for row in living(jobs)]
        if not wanted:
            say("no worker is alive", stderr=True)
            raise typer.Exit(1)
        try:
            replies = jobs.celery.control.broadcast(
                "quiet", reply=True, destination=wanted, limit=len(wanted), timeout=timeout
            )
        except Exception as error:  # each transport has errors of its own
            raise BrokerUnavailable(
                f"the broker does not answer: {type(error).__name__}"
            ) from error
    answered = {name for reply in replies or () for name in reply}
    for name in wanted:
        told = "is quiet" if name in answered else "does not answer"
        say(f"{plain(name)} {told}", None if name in answered else "red")
    raise typer.Exit(0 if answered >= set(wanted) else 1)


def add_to(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(rich_help_panel="Act")(quiet)
