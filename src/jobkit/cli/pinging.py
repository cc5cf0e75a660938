"""`jobkit ping`: a job through the whole installation, and what to look at when none comes back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobkit.cli.application import AppOption, opened
from jobkit.cli.output import JsonOption, plain, print_json, say
from jobkit.errors import ConfigurationError, ResultError, StoreUnavailable

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.handle import JobHandle

TASK = "system.ping"
_SKEW = 2.0


@dataclass(frozen=True)
class Observation:
    """Tell how one part of an installation is doing."""

    part: str
    ok: bool
    told: str


def ping(
    app: AppOption = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait.")] = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Send a job through the installation and wait for its answer.

    If none comes it says what to look at, and ends with 1.
    """
    with opened(app) as jobs:
        if TASK not in jobs.tasks:
            raise ConfigurationError(
                f"this application has no {TASK}: import system from jobkit.tasks, and add "
                "system.tasks to Jobkit(tasks=[...])"
            )
        started = time.monotonic()
        handle = None
        try:
            handle = jobs.enqueue(TASK, sent_at=jobs.clock.now())
            pong = handle.result(timeout)
        except (ResultError, StoreUnavailable) as error:
            _tell_trouble(error, observe(jobs, handle), as_json)
            _withdraw(handle)
            raise typer.Exit(1) from None
    took = time.monotonic() - started
    if as_json:
        print_json({"ok": True, "seconds": round(took, 3), "host": pong.host, "pid": pong.pid})
    else:
        say(
            f"pong from {plain(pong.host)} (process {pong.pid}) after {took * 1000:.0f} ms", "green"
        )


def observe(jobs: Jobkit, handle: JobHandle[Any] | None) -> list[Observation]:
    """Look at every part that a job passes, in the order in which it does."""
    store = _store(jobs)
    seen = [store, _broker(jobs)]
    if store.ok:
        seen += [*_workers(jobs), *([_job(handle)] if handle else [])]
    return seen


def _store(jobs: Jobkit) -> Observation:
    from jobkit.store import migrating

    try:
        found = migrating.status(jobs.database)
    except StoreUnavailable as error:
        return Observation("store", False, error.message)
    if abs(jobs.clock.skew) > _SKEW:
        told = (
            f"{jobs.database} answers, though this machine's clock is {jobs.clock.skew:+.1f} s off"
        )
        return Observation("store", True, told)
    return Observation("store", found.is_current, f"{jobs.database} answers")


def _broker(jobs: Jobkit) -> Observation:
    where = jobs.celery.connection_for_write().as_uri()
    server = jobs.runtime.server
    if server is not None and not server.is_running():
        told = f"the embedded server at {where} does not run: start `jobkit up` or `jobkit worker`"
        return Observation("broker", False, told)
    queue = jobs.tasks.find(TASK).queue.name
    try:
        waiting = jobs.runtime.queue_length(queue)
    except Exception as error:  # each transport has errors of its own
        return Observation("broker", False, f"{where} does not answer: {type(error).__name__}")
    return Observation("broker", True, f"{where} answers, {waiting} doorbells wait in {queue}")


def _workers(jobs: Jobkit) -> list[Observation]:
    from jobkit.cli.installation import living

    queue = jobs.tasks.find(TASK).queue.name
    alive = living(jobs)
    if not alive:
        return [
            Observation("workers", False, "none is alive: start `jobkit up` or `jobkit worker`")
        ]
    seen = [Observation("workers", True, f"alive: {', '.join(row.name for row in alive)}")]
    serving = [row for row in alive if queue in row.queues and not row.quiet]
    if not serving:
        told = f"no living worker serves {queue}: start one that does, or add it to a profile"
        if any(row.quiet for row in alive):
            told += "; some are quiet, and take nothing new until they are started anew"
        return [*seen, Observation("queue", False, told)]
    slots, busy = sum(row.concurrency for row in serving), sum(row.busy for row in serving)
    if busy >= slots:
        told = f"all {slots} slots of the workers that serve {queue} are busy: wait, or add workers"
        return [*seen, Observation("queue", False, told)]
    return [*seen, Observation("queue", True, f"{queue} is served, {busy} of {slots} slots busy")]


def _job(handle: JobHandle[Any]) -> Observation:
    job = handle.job()
    told = f"{job.id} is {job.state.value}"
    if job.failures:
        told += f", {job.failures[-1].type}: {job.failures[-1].message}"
    return Observation("job", job.state.value == "completed", told)


def _tell_trouble(error: Exception, seen: list[Observation], as_json: bool) -> None:
    if as_json:
        print_json({"ok": False, "error": str(error), "parts": [vars(one) for one in seen]})
        return
    say(f"no answer: {error}", "red", stderr=True)
    for one in seen:
        say(f"  {'ok ' if one.ok else 'BAD'}  {one.part}: {one.told}", stderr=True)


def _withdraw(handle: JobHandle[Any] | None) -> None:
    """Cancel a ping that nobody waits for any more."""
    try:
        if handle is not None and not handle.state.ended:
            handle.cancel()
    except StoreUnavailable:
        return  # what cannot be withdrawn is answered some day, and forgotten


def add_to(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(rich_help_panel="Look")(ping)
