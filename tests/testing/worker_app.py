"""An application for real workers."""

from __future__ import annotations

import os

from jobkit import JobContext, Jobkit, Payload, Settings, TaskSet

tasks = TaskSet("kit")


class Nothing(Payload):
    """Carry nothing."""


@tasks.task()
def tell(payload: Nothing, *, job: JobContext) -> dict[str, str | int]:
    """Tell where it runs."""
    return {"pid": os.getpid(), "word": os.environ.get("KIT_WORD", "")}


jobs = Jobkit(Settings(), tasks=[tasks])
