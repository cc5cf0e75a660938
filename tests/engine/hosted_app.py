"""A host that has a Celery application of its own and adds jobkit to it."""

from __future__ import annotations

import os

import engine_app
from celery import Celery

from jobkit import Jobkit, Settings

celery = Celery("host", broker=os.environ["HOST_BROKER"])
celery.conf.task_ignore_result = True


@celery.task(name="host.greet")
def greet(name: str) -> None:
    """Be the host's own task."""
    engine_app.write("greeted", name)


jobs = Jobkit(Settings(), tasks=[engine_app.tasks], celery=celery)
assert jobs.celery is celery
