"""Telling what came of the demonstration: the files, the dead letter, and what was unexpected."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from jobkit.demo.acts import Act
from jobkit.demo.installation import APPLICATION
from jobkit.demo.sample import SHOP
from jobkit.demo.shop import FOLDER_VARIABLE
from jobkit.job import Job, JobState


def tell(acts: Sequence[Act], folder: Path, console: Console) -> bool:
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
    complete = _tell_files(acts, folder / "files", console)
    (dead,) = [job for job in ended if job.state is JobState.DEAD]
    _tell_dead(dead, folder, console)
    return complete


def _tell_files(acts: Sequence[Act], folder: Path, console: Console) -> bool:
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
    if job.started_at is None or job.finished_at is None:
        return 0.0
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
