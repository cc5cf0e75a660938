"""The application of the demonstration, written as a host would write it."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field

from jobkit.adapters.bundled import LocalFiles
from jobkit.adapters.files import FileStorage
from jobkit.adapters.memory import MemoryTenants
from jobkit.adapters.sales import SalesData
from jobkit.adapters.tenants import Tenants
from jobkit.app import Jobkit
from jobkit.context import JobContext
from jobkit.demo.sample import SHOP, SampleSales
from jobkit.errors import TransientError
from jobkit.payload import Payload
from jobkit.queues import Priority
from jobkit.retry import Retry
from jobkit.settings import Settings
from jobkit.task import TaskSet
from jobkit.tasks import reports, system

FOLDER_VARIABLE = "JOBKIT_DATA_DIR"
tasks = TaskSet("shop")


class Call(Payload):
    """Say whom to call, and how bad the line is."""

    supplier: str
    busy: int = Field(default=0, ge=0)
    """How many attempts find the line busy."""


# Ahead of the reports, whose line is long.
@tasks.task(priority=Priority.HIGH, retry=Retry(max_attempts=3, base=0.5, factor=1, jitter=False))
def call_supplier(payload: Call, *, job: JobContext) -> str:
    """Call a supplier; the line is busy as often as the payload says."""
    if job.attempt <= payload.busy:
        raise TransientError(f"the line of {payload.supplier} is busy")
    return f"{payload.supplier} answered at attempt {job.attempt}"


def open_shop(folder: Path) -> Jobkit:
    """Return the shop's application; everything it keeps is in *folder*."""
    # Nothing but the folder is taken from outside: the demonstration is the same everywhere.
    settings = Settings(
        _env_file=None, data_dir=folder, store_url=None, broker_url=None, keeper_seconds=0.5
    )
    jobs = Jobkit(settings, tasks=[reports.tasks, system.tasks, tasks], name="shop")
    jobs.adapters.bind(SalesData).to(SampleSales())
    jobs.adapters.bind(Tenants).to(MemoryTenants(SHOP))
    jobs.adapters.bind(FileStorage).to(LocalFiles(folder / "files"))
    return jobs


jobs = open_shop(Path(os.environ.get(FOLDER_VARIABLE, ".jobkit")))
