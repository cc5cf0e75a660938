"""The application that the tests run in real workers; JOBKIT_... variables configure it."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

from jobkit import (
    Cancelled,
    Every,
    JobContext,
    Jobkit,
    Payload,
    Retry,
    RetryAfter,
    Secret,
    Settings,
    Snooze,
    TaskSet,
    TransientError,
)

tasks = TaskSet("engine")
LEDGER = Path(os.environ.get("ENGINE_LEDGER", "ledger.txt"))


class Work(Payload):
    """Say what to do."""

    note: str = ""
    seconds: float = 0.0
    tenant_id: str | None = None


class Login(Payload):
    """Carry something that must not be seen."""

    password: Secret[str]


def write(*words: object) -> None:
    """Append a line to the ledger: one system call, so that lines do not mix."""
    with LEDGER.open("a") as ledger:
        ledger.write(" ".join(str(word) for word in words) + "\n")


@tasks.task(retry=Retry(max_attempts=3, base=0.1, maximum=0.2))
def record(payload: Work, *, job: JobContext) -> int:
    """Write a line when it starts and one when it ends, and answer the attempt."""
    write("start", job.id, job.attempt, payload.note, os.getpid())
    time.sleep(payload.seconds)
    write("end", job.id, job.attempt, payload.note, os.getpid())
    return job.attempt


@tasks.task(name="renamed", aliases=("engine.old_name",))
def renamed(payload: Work) -> str:
    """Have had another name."""
    return payload.note


@tasks.task(unique_by=("note",))
def alone(payload: Work, *, job: JobContext) -> None:
    """Be the only job with its note, and enqueue that work once more, and something new."""
    write("start", job.id, job.attempt, payload.note, os.getpid())
    time.sleep(payload.seconds)
    if payload.note == "parent":
        job.enqueue("engine.alone", note="here already")
        job.enqueue("engine.alone", note="new")


@tasks.task()
def patient(payload: Work, *, job: JobContext) -> str:
    """Work in small steps until the time is up."""
    write("start", job.id, job.attempt, payload.note, os.getpid())
    steps = max(1, int(payload.seconds / 0.05))
    try:
        for _ in job.track(range(steps)):
            time.sleep(0.05)
    except Cancelled:
        write("cancelled", job.id)
        raise
    return "done"


@tasks.task()
def hold_the_gil(payload: Work, *, job: JobContext) -> str:
    """Keep the interpreter's lock inside one C call for most of the time."""
    write("start", job.id, job.attempt, payload.note, os.getpid())
    ends = time.monotonic() + payload.seconds
    size = 10_000_000
    while (left := ends - time.monotonic()) > 0.5:
        began = time.monotonic()
        sum(range(size))
        took = time.monotonic() - began
        # The next call takes most of what is left.
        size = max(1_000_000, int(size * left * 0.9 / took))
    write("end", job.id, job.attempt, payload.note, os.getpid())
    return "done"


@tasks.task(retry=Retry(max_attempts=2, base=0.1))
def kill_own_process(payload: Work, *, job: JobContext) -> None:
    """Take the worker's process down, as running out of memory does."""
    write("start", job.id, job.attempt, payload.note, os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


@tasks.task(retry=Retry(max_attempts=2, base=0.1, maximum=0.1), soft_time_limit=0.5, time_limit=1.5)
def overrun(payload: Work, *, job: JobContext) -> str:
    """Go on past every limit: `note` says whether the soft one is minded."""
    write("start", job.id, job.attempt, payload.note, os.getpid())
    ends = time.monotonic() + payload.seconds
    while time.monotonic() < ends:
        try:
            time.sleep(0.05)
        except Exception as error:
            write("told", job.id, job.attempt, type(error).__name__)
            if payload.note != "deaf":
                raise
    return "done"


@tasks.task(retry=Retry(max_attempts=3, base=0.05, maximum=0.1))
def fail_until_third(payload: Work, *, job: JobContext) -> int:
    """Fail on attempts 1 and 2."""
    write("start", job.id, job.attempt, payload.note, os.getpid())
    if job.attempt < 3:
        raise TransientError(f"attempt {job.attempt} fails")
    return job.attempt


@tasks.task(retry=Retry(max_attempts=2))
def asked_to_wait(payload: Work, *, job: JobContext) -> int:
    """Be told by the other side when to come back."""
    write("start", job.id, job.attempt, time.time())
    if job.attempt == 1:
        raise RetryAfter(1.5)
    return job.attempt


@tasks.task(retry=Retry(max_attempts=1))
def sleepy(payload: Work, *, job: JobContext) -> int:
    """Put itself off once, which costs no attempt."""
    write("start", job.id, job.attempt, payload.note)
    if len(re.findall(job.id, LEDGER.read_text())) < 2:
        raise Snooze(0.2)
    return job.attempt


@tasks.task()
def parent(payload: Work, *, job: JobContext) -> str:
    """Enqueue a follow-up with its own outcome."""
    job.enqueue("engine.record", note=f"child of {job.id}")
    return job.id


@tasks.task(retry=Retry(max_attempts=1))
def leak(payload: Login, *, job: JobContext) -> None:
    """Do everything wrong with a secret."""
    job.log.info("logging in", password=payload.password)
    print("the child prints nothing secret")
    raise ValueError(f"cannot log in with {payload.password!r}")


@tasks.task(durable=False)
def cheap(payload: Work, *, job: JobContext) -> None:
    """Be a plain Celery task."""
    write("cheap", payload.note)


ticking = TaskSet("ticking", queue="engine")


@ticking.task(schedule=Every(1), schedule_payload={"note": "tick"})
def tick(payload: Work, *, job: JobContext) -> None:
    """Run each second."""
    assert job.scheduled_for is not None
    write("tick", job.scheduled_for.timestamp(), time.time())


def make_jobs(**settings: object) -> Jobkit:
    """Return the application, as the worker processes and the tests see it."""
    sets = [tasks, ticking] if os.environ.get("ENGINE_TICKS") else [tasks]
    return Jobkit(Settings(**settings), tasks=sets)  # type: ignore[arg-type]


jobs = make_jobs()
celery = jobs.celery


if os.environ.get("ENGINE_SIGNALS"):
    from celery import signals

    @signals.task_prerun.connect(weak=False)
    def _began(task_id: str, task: object, **_: object) -> None:
        write("signal", "prerun", task_id, getattr(task, "name", ""))

    @signals.task_success.connect(weak=False)
    def _succeeded(sender: object, result: object, **_: object) -> None:
        write("signal", "success", sender.request.id, result)

    @signals.task_retry.connect(weak=False)
    def _retried(sender: object, request: object, reason: object, **_: object) -> None:
        write("signal", "retry", request.id, type(reason).__name__)

    @signals.task_postrun.connect(weak=False)
    def _ended(task_id: str, state: str, **_: object) -> None:
        write("signal", "postrun", task_id, state)
