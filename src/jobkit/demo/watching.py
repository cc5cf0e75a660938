"""Watching jobs until they have ended: bars in a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobkit.demo.acts import Act
from jobkit.job import Job

_LOOK_EVERY = 0.15
_ENOUGH = 600.0
"""Seconds after which the demonstration gives up."""

Update = Callable[[Act, Job], None]


def watch(acts: list[Act], goes_on: Callable[[], bool], console: Console) -> bool:
    """Show how the jobs come on until all have ended; False when nothing *goes_on* before."""
    gives_up_at = time.monotonic() + _ENOUGH
    with _bars(acts, console) if console.is_terminal else _lines(console) as update:
        while True:
            jobs = [act.handle.job() for act in acts]
            for act, job in zip(acts, jobs, strict=True):
                update(act, job)
            if all(job.state.ended for job in jobs):
                return True
            if not goes_on() or time.monotonic() > gives_up_at:
                return False
            time.sleep(_LOOK_EVERY)


@contextmanager
def _bars(acts: list[Act], console: Console) -> Iterator[Update]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=console) as progress:
        lines = {act.handle.id: progress.add_task(act.title, total=None, told="") for act in acts}

        def update(act: Act, job: Job) -> None:
            done, of = _measure(job)
            line = lines[act.handle.id]
            progress.update(line, completed=done, total=of, told=_told(job))
            if job.state.ended:
                progress.stop_task(line)

        yield update


@contextmanager
def _lines(console: Console) -> Iterator[Update]:
    said: dict[str, str] = {}

    def update(act: Act, job: Job) -> None:
        told = _told(job)
        if said.get(job.id) != told:
            said[job.id] = told
            console.print(f"{act.title}: {told}")

    yield update


def _measure(job: Job) -> tuple[int, int | None]:
    if job.progress is not None:
        return job.progress.done, job.progress.of
    return (1, 1) if job.state.ended else (0, None)


def _told(job: Job) -> str:
    if job.state.ended:
        again = f" at attempt {job.attempt}" if job.attempt > 1 else ""
        return f"{job.state.value}{again}"
    if job.failures:
        return f"{job.state.value}, attempt {job.attempt} failed: {job.failures[-1].message}"
    return job.state.value
