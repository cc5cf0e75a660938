"""The command `jobkit` itself: its groups of commands, and how it ends."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from jobkit.cli import (
    checking,
    dead,
    demo,
    enqueueing,
    jobs,
    looking,
    pinging,
    quieting,
    running,
    schedules,
    store,
    up,
)
from jobkit.cli.output import say
from jobkit.errors import ConfigurationError, EnqueueError, JobkitError, SchemaOutdated

FAILED = 1
MISUSED = 2
OUTDATED = 3
INTERRUPTED = 130


class Commands(TyperGroup):
    """End in one clear line and an exit code where a command ends in an error."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except JobkitError as error:
            if ctx.params.get("debug"):
                raise
            say(f"jobkit: {error.message}", "red", stderr=True)
            raise typer.Exit(exit_code(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def exit_code(error: JobkitError) -> int:
    """Return what a command that ended in *error* tells its caller."""
    if isinstance(error, SchemaOutdated):
        return OUTDATED
    return MISUSED if isinstance(error, (ConfigurationError, EnqueueError)) else FAILED


cli = typer.Typer(
    name="jobkit",
    cls=Commands,
    help="Background jobs that are not lost, and tasks that are already written.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            print(f"jobkit {version('jobkit-tasks')}")
        except PackageNotFoundError:
            print("jobkit, not installed")
        raise typer.Exit


@cli.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Background jobs that are not lost, and tasks that are already written."""


for commands in (demo, up, running, checking, pinging, looking):
    commands.add_to(cli)
cli.add_typer(jobs.group, name="jobs", rich_help_panel="Look")
cli.add_typer(dead.group, name="dead", rich_help_panel="Look")
cli.add_typer(schedules.group, name="schedules", rich_help_panel="Act")
for commands in (enqueueing, quieting, store):
    commands.add_to(cli)


def main() -> None:
    """Run the command line."""
    cli(prog_name="jobkit")
