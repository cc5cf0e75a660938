"""What the demonstration enqueues, and how each job should end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from jobkit.app import Jobkit
from jobkit.demo.sample import FIRST_DAY, LAST_DAY, SHOP
from jobkit.demo.shop import Call, call_supplier
from jobkit.handle import JobHandle
from jobkit.job import JobState
from jobkit.tasks.reports import SalesReport, generate_sales_report

FORMATS: tuple[Literal["csv", "xlsx", "pdf"], ...] = ("csv", "xlsx", "pdf")


@dataclass(frozen=True)
class Act:
    """One job of the demonstration, and how it should end."""

    title: str
    handle: JobHandle[Any]
    state: JobState
    attempts: int = 1
    form: str | None = None
    """The format of a report."""


def enqueue(jobs: Jobkit, *, until: date = LAST_DAY) -> list[Act]:
    """Enqueue what is shown: a job that needs three attempts, one that dies, three reports.

    The reports are of the days up to *until*.
    """
    busy = jobs.enqueue(call_supplier, Call(supplier="Tema Mills", busy=2))
    dead = jobs.enqueue(call_supplier, Call(supplier="Keta Salt", busy=99))
    acts = [
        Act("call, busy twice", busy, JobState.COMPLETED, attempts=3),
        Act("call, always busy", dead, JobState.DEAD, attempts=3),
    ]
    for form in FORMATS:
        payload = SalesReport(tenant_id=SHOP.id, start_date=FIRST_DAY, end_date=until, format=form)
        handle = jobs.enqueue(generate_sales_report, payload)
        acts.append(Act(f"sales report, {form}", handle, JobState.COMPLETED, form=form))
    return acts
