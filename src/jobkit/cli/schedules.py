"""`jobkit schedules`: list, run, pause, resume, backfill, next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.fields import moment_of
from jobkit.cli.output import JsonOption, print_json, print_table, say

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.handle import JobHandle

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.")]

group = typer.Typer(no_args_is_help=True, help="See, run, pause and backfill what runs by itself.")


@group.command("list")
def list_(app: AppOption = None, as_json: JsonOption = False) -> None:
    """List the schedules with their next run."""
    with opened(app) as jobs:
        listed = _listed(jobs)
    if as_json:
        print_json(listed)
        return
    print_table(
        ("schedule", "task", "runs", "next", ""),
        (
            (one["name"], one["task"], one["runs"], _moment(one["next"]), _notes(one))
            for one in listed
        ),
        empty="nothing runs by itself",
    )


@group.command()
def run(name: NameArgument, app: AppOption = None, as_json: JsonOption = False) -> None:
    """Enqueue a run now, also of a paused schedule, and print the job's id."""
    with opened(app) as jobs:
        _print_jobs(jobs.schedules.run(name), as_json)


@group.command()
def pause(name: NameArgument, app: AppOption = None, as_json: JsonOption = False) -> None:
    """Let no run happen until it is resumed, restarts included."""
    with opened(app) as jobs:
        jobs.schedules.pause(name)
    _tell(name, "is paused", True, as_json)


@group.command()
def resume(name: NameArgument, app: AppOption = None, as_json: JsonOption = False) -> None:
    """Go on with the next run; those of the pause are not made up for."""
    with opened(app) as jobs:
        jobs.schedules.resume(name)
    _tell(name, "is resumed", False, as_json)


@group.command()
def backfill(
    name: NameArgument,
    since: Annotated[str, typer.Option("--since", metavar="MOMENT", help="The first run.")],
    until: Annotated[
        str | None, typer.Option("--until", metavar="MOMENT", help="The last run; now by default.")
    ] = None,
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enqueue the runs of a range that never happened, and print the jobs' ids."""
    with opened(app) as jobs:
        ends = moment_of(until) if until else jobs.clock.now()
        _print_jobs(jobs.schedules.backfill(name, moment_of(since), ends), as_json)


@group.command("next")
def next_(
    name: NameArgument,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many.")] = 5,
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell in plain words when a schedule runs, and when it comes next."""
    with opened(app) as jobs:
        entry = jobs.schedules.get(name)
        runs = jobs.schedules.next(name, count)
        paused = name in jobs.schedules.paused()
        now = jobs.clock.now()
    if as_json:
        print_json(
            {
                "name": name,
                "runs": str(entry.schedule),
                "paused": paused,
                "next": [
                    {
                        "run_at": run.run_at.isoformat(),
                        "tenant_id": run.tenant_id,
                        "skipped": run.skipped,
                    }
                    for run in runs
                ],
            }
        )
        return
    say(f"{entry.schedule}{', but it is paused' if paused else ''}")
    for run in runs:
        tenant = f" for {run.tenant_id}" if run.tenant_id else ""
        skipped = ", skipped" if run.skipped else ""
        shown = run.run_at.astimezone().strftime("%A %d %B %Y, %H:%M:%S")
        say(f"  {shown} ({in_words((run.run_at - now).total_seconds())}){tenant}{skipped}")


def in_words(seconds: float) -> str:
    """Return how long it is until then, in the largest unit that tells."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if (number := int(seconds // length)) >= (2 if unit == "day" else 1) or length == 1:
            return f"in {number} {unit}{'' if number == 1 else 's'}"
    raise AssertionError


def _listed(jobs: Jobkit) -> list[dict[str, Any]]:
    paused = jobs.schedules.paused()
    listed = []
    for entry in sorted(jobs.schedules.entries(), key=lambda entry: entry.name):
        runs = jobs.schedules.next(entry.name, 1)
        listed.append(
            {
                "name": entry.name,
                "task": entry.task_name,
                "runs": str(entry.schedule),
                "next": runs[0].run_at.isoformat() if runs else None,
                "paused": entry.name in paused,
                "stored": entry.stored,
                "per_tenant": entry.policy.per_tenant,
                "misfire": entry.policy.misfire,
                "overlap": entry.policy.overlap,
            }
        )
    return listed


def _notes(one: dict[str, Any]) -> str:
    told = {"paused": "paused", "stored": "added at run time", "per_tenant": "for each tenant"}
    return ", ".join(text for key, text in told.items() if one[key])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _print_jobs(handles: list[JobHandle[Any]], as_json: bool) -> None:
    if as_json:
        print_json([{"id": handle.id, "task": handle.task} for handle in handles])
    elif handles:
        for handle in handles:
            print(handle.id)
    else:
        say("there was nothing to run", stderr=True)


def _tell(name: str, what: str, paused: bool, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "paused": paused})
    else:
        say(f"{name} {what}")
