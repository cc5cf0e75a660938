"""`jobkit demo`: see it work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobkit.cli.output import console


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End by itself, also in a terminal.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="FOLDER", help="Where to keep it; a new one by default."),
    ] = None,
) -> None:
    """Show jobkit at work: a server, a worker, and the reports of a small shop.

    In a terminal it stays until Ctrl-C, so that you can look around. Ends with 1 if anything did
    not come out as it should.
    """
    from tempfile import mkdtemp

    from jobkit.demo.show import show

    place = folder or Path(mkdtemp(prefix="jobkit-demo-"))
    stay = not once and sys.stdin.isatty() and sys.stdout.isatty()
    raise typer.Exit(show(place.resolve(), console(), stay=stay))


def add_to(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(rich_help_panel="Run")(demo)
