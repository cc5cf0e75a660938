"""An application with faults."""

from __future__ import annotations

from typing import Protocol

from jobkit import Jobkit, Payload, Settings, TaskSet

tasks = TaskSet("broken", queue="nowhere")


class Mailer(Protocol):
    def send(self, to: str) -> None: ...


class Letter(Payload):
    to: str


@tasks.task(time_limit=10, soft_time_limit=20)
def send(payload: Letter, *, mailer: Mailer) -> None:
    """Need a mailer that nobody binds, in a queue that nobody serves."""


jobs = Jobkit(Settings(worker_profiles={"default": ("words",)}), tasks=[tasks])
