"""The report tasks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jobkit.adapters.files import FileStorage, Measured, StoredFile
from jobkit.adapters.sales import Sale, SalesData
from jobkit.adapters.tenants import Tenant, Tenants
from jobkit.clock import Clock
from jobkit.context import JobContext
from jobkit.payload import Payload
from jobkit.rendering import FORMATS, Row, Sender, TableReport
from jobkit.retry import Retry
from jobkit.task import TaskSet
from jobkit.tasks.reports.file_names import report_name
from jobkit.tasks.reports.sales_figures import SalesFigures
from jobkit.tasks.reports.sales_table import COLUMNS, row

tasks = TaskSet("reports")

LINKS_LAST = timedelta(days=7)
_STEP = 250
"""After how many rows progress is shown and a cancelled job stops."""

# Room for a day more at either end: a day begins hours earlier or later than it does in UTC.
Day = Annotated[date, Field(ge=date(1, 1, 3), le=date(9999, 12, 28))]


class SalesReport(Payload):
    """Say whose sales to report, of which days, and as what."""

    tenant_id: str = Field(min_length=1)
    start_date: Day
    """The first day, in the tenant's time zone."""

    end_date: Day
    """The last day; it is part of the report."""

    format: Literal["pdf", "xlsx", "csv"]
    requested_by: str | None = None
    """Who asked for it, for the host's own use."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end_date < self.start_date:
            raise ValueError(
                f"end_date {self.end_date} is before start_date {self.start_date}; swap them"
            )
        return self


class SalesReportFile(StoredFile):
    """Tell of a finished sales report."""

    rows: int
    totals: dict[str, Decimal]
    """What was sold less what was refunded, by currency."""


@tasks.task(retry=Retry(max_attempts=5), time_limit=1800, soft_time_limit=1740)
def generate_sales_report(
    payload: SalesReport,
    *,
    job: JobContext,
    sales: SalesData,
    tenants: Tenants,
    files: FileStorage,
) -> SalesReportFile:
    """Report the sales of a tenant as PDF, workbook or csv, and return where the file is.

    Days are the tenant's own, both included. The file appears whole or not at all; another attempt
    of the same job replaces it.
    """
    tenant = tenants.tenant(payload.tenant_id)
    form = FORMATS[payload.format]
    name = report_name(
        "sales", payload.tenant_id, job.id, form.name, payload.start_date, payload.end_date
    )
    figures = SalesFigures(payload.start_date, payload.end_date, tenant.zone, tenant.currency)
    with files.write(name) as stored:
        file = Measured(stored)
        lines = _lines(payload, tenant.zone, job, sales)
        tally = form.write(_report(payload, tenant, figures), _rows(lines, figures), file)
        # Asked for before the file appears: behind it nothing may fail or be cancelled any more.
        url = files.url(name, LINKS_LAST)
        job.check_cancelled()
    return SalesReportFile(
        name=name,
        size=file.size,
        media_type=form.media_type,
        url=url,
        sha256=file.sha256,
        rows=tally.rows,
        totals={currency: sums["total"] for currency, sums in tally.by_currency()},
    )


def _report(payload: SalesReport, tenant: Tenant, figures: SalesFigures) -> TableReport:
    return TableReport(
        title="Sales report",
        columns=COLUMNS,
        sender=Sender(tenant.name, tenant.address),
        generated_at=Clock().now(),
        name="Sales",
        period=(payload.start_date, payload.end_date),
        locale=tenant.locale,
        zone=tenant.zone,
        summary=figures.summary,
        empty="No sales in this period.",
    )


def _lines(payload: SalesReport, zone: tzinfo, job: JobContext, sales: SalesData) -> Iterator[Sale]:
    """Yield the sales of the period; show progress, and stop where the job is cancelled."""
    start = _midnight(payload.start_date, zone)
    end = _midnight(payload.end_date + timedelta(days=1), zone)
    of = sales.count(payload.tenant_id, start, end)
    job.progress(0, of=of)
    done = 0
    for done, sale in enumerate(sales.sales(payload.tenant_id, start, end), start=1):
        yield sale
        if done % _STEP == 0:
            job.progress(done, of=max(of, done))
    job.progress(done, of=done)


def _midnight(day: date, zone: tzinfo) -> datetime:
    """Return the moment, in UTC, at which *day* begins in *zone*."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _rows(lines: Iterator[Sale], figures: SalesFigures) -> Iterator[Row]:
    for sale in lines:
        figures.add(sale)
        yield row(sale)
