"""The application that the command line is tested on."""

from __future__ import annotations

import time

from jobkit import (
    JobContext,
    Jobkit,
    Payload,
    PermanentError,
    Result,
    Retry,
    Secret,
    Settings,
    TaskSet,
)
from jobkit.tasks import system

tasks = TaskSet("words")


class Text(Payload):
    """Which text to count, and who may."""

    text: str
    at_least: int = 0
    password: Secret[str] | None = None
    tenant_id: str | None = None


class Count(Result):
    words: int
    password: Secret[str] | None


@tasks.task(retry=Retry(max_attempts=3, base=0, jitter=False), time_limit=30)
def count_words(payload: Text, *, job: JobContext) -> Count:
    """Count the words of a text."""
    words = payload.text.split()
    for _ in job.track(words):
        pass
    if len(words) < payload.at_least:
        raise PermanentError(f"{payload.password} is too short for {payload.tenant_id}")
    return Count(words=len(words), password=payload.password)


class Nap(Payload):
    seconds: float


@tasks.task()
def dawdle(payload: Nap) -> None:
    """Take one's time."""
    time.sleep(payload.seconds)


@tasks.task(durable=False)
def mumble(payload: Nap) -> None:
    """Say it and forget it."""


jobs = Jobkit(Settings(), tasks=[tasks, system.tasks])
celery = jobs.celery
