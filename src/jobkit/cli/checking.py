"""`jobkit check`: every fault of an application at once, and the traps of Celery's own `-A`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from jobkit.cli.application import AppOption, given, load_module, opened
from jobkit.cli.output import JsonOption, print_json, say

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.checks import Finding

_STYLES = {"fault": "red", "warning": "yellow"}


def check(app: AppOption = None, as_json: JsonOption = False) -> None:
    """Report every fault and warning of the application; ends with 1 if there is a fault."""
    with opened(app) as jobs:
        report = jobs.check()
        notes = celery_notes(given(app), jobs)
    if as_json:
        print_json(
            {
                "ok": report.ok,
                "faults": [_finding_data(finding) for finding in report.faults],
                "warnings": [_finding_data(finding) for finding in report.warnings],
                "notes": notes,
            }
        )
    else:
        for finding in report.findings:
            say(str(finding), _STYLES[finding.severity])
        for note in notes:
            say(f"note: {note}")
        say(f"{len(report.faults)} faults, {len(report.warnings)} warnings")
    raise typer.Exit(0 if report.ok else 1)


def celery_notes(spec: str, jobs: Jobkit) -> list[str]:
    """Say what Celery's own command line needs to know of this application, if it is to be used.

    `celery -A module` takes an attribute named `app` before one named `celery`, and
    `celery -A module:object` wants the Celery application itself and cannot follow dots.
    """
    name, _, path = spec.partition(":")
    module = load_module(name)
    ours = [attribute for attribute, value in vars(module).items() if value is jobs.celery]
    if not ours:
        wanted = path if path and "." not in path else "jobs"
        return [
            f"`celery -A` finds no Celery application in {name}: add `celery = {wanted}.celery` "
            f"there to use `celery -A {name}:celery`; it cannot follow dots"
        ]
    shown = "celery" if "celery" in ours else ours[0]
    notes = []
    taken = next(
        (attribute for attribute in ("app", "celery") if hasattr(module, attribute)), shown
    )
    if taken not in ours:
        notes.append(
            f"`celery -A {name}` takes {name}.{taken}, which is not jobkit's Celery application: "
            f"write `celery -A {name}:{shown}`"
        )
    return notes


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "subject": finding.subject, "message": finding.message}


def add_to(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(rich_help_panel="Look")(check)
