"""The demonstration itself: enqueue, watch, and see whether everything came out as it should."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobkit.app import Jobkit
from jobkit.demo.installation import APPLICATION, Installation
from jobkit.demo.sample import FIRST_DAY, LAST_DAY, SHOP
from jobkit.demo.shop import FOLDER_VARIABLE, Call, call_supplier, open_shop
from jobkit.handle import JobHandle
from jobkit.job import Job, JobState
from jobkit.tasks.reports import SalesReport, generate_sales_report

FORMATS = ("csv", "xlsx", "pdf")
_LOOK_EVERY = 0.15
_ENOUGH = 600.0
"""Seconds after which the demonstration gives up."""


@dataclass(frozen=True)
class Act:
    """One job of the demonstration, and how it should end."""

    title: str
    handle: JobHandle[Any]
    state: JobState
    attempts: int = 1
    form: str | None = None
    """The format of a report."""


def show(folder: Path, console: Console, *, stay: bool) -> int:
    """Show jobkit at work in *folder*; returns 0 if everything came out as it should.

    With *stay* it goes on until Ctrl-C, so that one can look around.
    """
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("jobkit").setLevel(logging.ERROR)
    jobs = open_shop(folder)
    try:
        with Installation(folder) as installation:
            console.print(f"A shop opens in {folder}", soft_wrap=True)
            acts = enqueue(jobs) if installation.await_worker(jobs) else []
            ended = bool(acts) and watch(acts, installation, console)
            code = 0 if ended and tell(jobs, acts, console) else 1
            if not ended:
                console.print(f"It did not work out. The end of {installation.log}:")
                console.print(installation.last_lines())
            elif stay:
                code = look_around(installation, console, code)
        return code
    finally:
        jobs.close()


def enqueue(jobs: Jobkit) -> list[Act]:
    """Enqueue what is shown: a job that needs three attempts, one that dies, three reports."""
    busy = jobs.enqueue(call_supplier, Call(supplier="Tema Mills", busy=2))
    dead = jobs.enqueue(call_supplier, Call(supplier="Keta Salt", busy=99))
    acts = [
        Act("call, busy twice", busy, JobState.COMPLETED, attempts=3),
        Act("call, always busy", dead, JobState.DEAD, attempts=3),
    ]
    for form in FORMATS:
        payload = SalesReport(
            tenant_id=SHOP.id, start_date=FIRST_DAY, end_date=LAST_DAY, format=form
        )
        handle = jobs.enqueue(generate_sales_report, payload)
        acts.append(Act(f"sales report, {form}", handle, JobState.COMPLETED, form=form))
    return acts


def watch(acts: list[Act], installation: Installation, console: Console) -> bool:
    """Show how the jobs come on until all have ended; False if they do not."""
    gives_up_at = time.monotonic() + _ENOUGH
    with _bars(acts, console) if console.is_terminal else _lines(console) as update:
        while True:
            jobs = [act.handle.job() for act in acts]
            for act, job in zip(acts, jobs, strict=True):
                update(act, job)
            if all(job.state.ended for job in jobs):
                return True
            if not installation.runs or time.monotonic() > gives_up_at:
                return False
            time.sleep(_LOOK_EVERY)


def tell(jobs: Jobkit, acts: list[Act], console: Console) -> bool:
    """Print what came of it; returns whether it is what was expected."""
    ended = [act.handle.job() for act in acts]
    surprises = [
        f"{act.title} is {job.state.value} after {job.attempt} attempts"
        for act, job in zip(acts, ended, strict=True)
        if (job.state, job.attempt) != (act.state, act.attempts)
    ]
    if surprises:
        console.print("Not as expected:", *surprises, sep="\n  ")
        return False
    complete = _tell_files(acts, jobs.settings.data_dir / "files", console)
    (dead,) = [job for job in ended if job.state is JobState.DEAD]
    _tell_dead(dead, jobs.settings.data_dir, console)
    return complete


def look_around(installation: Installation, console: Console, code: int) -> int:
    """Wait for Ctrl-C while the processes run."""
    console.print("\nThe worker is still there: try these in another terminal. Ctrl-C ends it.")
    try:
        while installation.runs:
            time.sleep(_LOOK_EVERY)
    except KeyboardInterrupt:
        return code
    console.print(f"It ended by itself. The end of {installation.log}:")
    console.print(installation.last_lines())
    return 1


def _tell_files(acts: list[Act], folder: Path, console: Console) -> bool:
    totals = set()
    console.print()
    for act in acts:
        if act.form is None:
            continue
        report, job = act.handle.result(), act.handle.job()
        path = folder / report.name
        if not path.is_file() or path.stat().st_size != report.size:
            console.print(f"{path} is not there, or not whole", soft_wrap=True)
            return False
        total = report.totals[SHOP.currency]
        totals.add(total)
        console.print(
            f"{act.form:<5} {report.rows:,} rows, {total:,} {SHOP.currency}, "
            f"{report.size:,} bytes, {_seconds(job):.1f} s"
        )
        console.print(f"      {path}", soft_wrap=True)
    if len(totals) > 1:
        console.print(f"The reports disagree: {totals}")
    return len(totals) == 1


def _seconds(job: Job) -> float:
    assert job.started_at is not None and job.finished_at is not None
    return (job.finished_at - job.started_at).total_seconds()


def _tell_dead(job: Job, folder: Path, console: Console) -> None:
    console.print(
        f"\nOne job is dead after {job.attempt} attempts: {job.failures[-1].message}. "
        "It waits for a person:",
        soft_wrap=True,
    )
    jobkit = "jobkit" if shutil.which("jobkit") else f"{sys.executable} -m jobkit"
    for command in ("dead list", f"jobs show {job.id}", f"dead retry {job.id}"):
        console.print(
            f"  {FOLDER_VARIABLE}={folder} {jobkit} {command} --app {APPLICATION}", soft_wrap=True
        )


Update = Callable[[Act, Job], None]


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
