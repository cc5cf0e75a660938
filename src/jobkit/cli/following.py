"""Following a job until it ends, with a live progress bar where there is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobkit.cli.describing import as_data
from jobkit.cli.installation import serving
from jobkit.cli.output import console, first_line, plain, print_json, say
from jobkit.job import JobState

if TYPE_CHECKING:
    from jobkit.app import Jobkit
    from jobkit.handle import JobHandle
    from jobkit.job import Job

LOOK_EVERY = 0.15
_UNHEARD_AFTER = 3.0


def follow(jobs: Jobkit, handle: JobHandle[Any]) -> int:
    """Show a job until it ends; returns the exit code, 0 only when it completed."""
    try:
        job = _show_live(jobs, handle) if sys.stderr.isatty() else _show_lines(jobs, handle)
    except KeyboardInterrupt:
        say(f"the job goes on; see `jobkit jobs show {handle.id}`", stderr=True)
        raise
    return tell_end(job)


def tell_end(job: Job) -> int:
    """Print how a job ended and what it answered; returns the exit code."""
    if job.state is JobState.COMPLETED:
        print_json(as_data(job.result))
        return 0
    told = f"{job.task} {job.id} is {job.state.value}"
    if job.reason:
        told += f" ({job.reason})"
    if job.failures:
        told += f": {job.failures[-1].type}: {job.failures[-1].message}"
    say(told, "red", stderr=True)
    say(f"see `jobkit jobs show {job.id}`", stderr=True)
    return 1


def changes(jobs: Jobkit, handle: JobHandle[Any]) -> Iterator[tuple[Job, str]]:
    """Yield the job each time it has been looked at, and what to say of it; it ends with it."""
    since, heard = time.monotonic(), False
    while True:
        job = handle.job()
        told = _told(job)
        if job.state is not JobState.AVAILABLE:
            heard = True
        elif (
            not heard and time.monotonic() - since > _UNHEARD_AFTER and not serving(jobs, job.queue)
        ):
            told = f"no worker serves the queue {job.queue} now; the job waits in the store"
        yield job, told
        if job.state.ended:
            return
        time.sleep(LOOK_EVERY)


def _told(job: Job) -> str:
    told = job.state.value
    if job.attempt > 1 or job.state is JobState.RETRYABLE:
        told += f", attempt {job.attempt} of {job.max_attempts}"
    if job.failures and not job.state.ended:
        told += f", after {job.failures[-1].type}: {first_line(job.failures[-1].message)}"
    if job.progress and job.progress.note:
        told += f", {job.progress.note}"
    return told


def _show_live(jobs: Jobkit, handle: JobHandle[Any]) -> Job:
    bar = Progress(
        TextColumn("{task.fields[name]}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        console=console(stderr=True),
    )
    with bar:
        line = bar.add_task("", total=None, name=handle.task, told="")
        for job, told in changes(jobs, handle):
            bar.update(line, told=plain(told), **bar_values(job))
    return job


def bar_values(job: Job) -> dict[str, Any]:
    """Return what a progress bar shows for a job: done and total."""
    if job.progress is not None and job.progress.of is not None:
        return {"completed": job.progress.done, "total": job.progress.of}
    if job.state is JobState.COMPLETED:
        return {"completed": 1, "total": 1}
    return {"completed": job.progress.done if job.progress else 0, "total": None}


def _show_lines(jobs: Jobkit, handle: JobHandle[Any]) -> Job:
    said, said_at = "", 0.0
    for job, told in changes(jobs, handle):
        line = told
        if job.progress is not None:
            of = f" of {job.progress.of}" if job.progress.of is not None else ""
            line += f", {job.progress.done}{of}"
        # A change of state is told at once, progress once a second.
        if line != said and (not said.startswith(told) or time.monotonic() - said_at > 1.0):
            say(f"{job.task} {job.id}: {line}", stderr=True)
            said, said_at = line, time.monotonic()
    return job
