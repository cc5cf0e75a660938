"""A tenant with a few sales, and the report of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from jobkit.adapters.memory import MemoryFiles, MemorySales, MemoryTenants
from jobkit.adapters.sales import Sale
from jobkit.adapters.tenants import Tenant
from jobkit.tasks.reports import SalesReport, SalesReportFile, generate_sales_report
from jobkit.testing import Recorder, job_context

SHOP = Tenant("acme", "Acme Ltd", currency="EUR", locale="en_GB", address=("1 High Street",))


def payload(**changes: Any) -> SalesReport:
    """Return a report of January 2025 as csv; *changes* are fields of the payload."""
    fields = {
        "tenant_id": SHOP.id,
        "start_date": date(2025, 1, 1),
        "end_date": date(2025, 1, 31),
        "format": "csv",
    }
    return SalesReport.model_validate({**fields, **changes})


def reported(
    sales: Sequence[Sale] | Any,
    tenant: Tenant = SHOP,
    *,
    files: Any = None,
    job_id: str = "job-1",
    recorder: Recorder | None = None,
    **changes: Any,
) -> tuple[SalesReportFile, bytes]:
    """Run the task as the plain function that it is; return its answer and the file's content."""
    files = files or MemoryFiles()
    result = generate_sales_report(
        payload(**changes),
        job=replace(job_context(recorder), id=job_id),
        sales=MemorySales({SHOP.id: sales}) if isinstance(sales, Sequence) else sales,
        tenants=MemoryTenants(tenant),
        files=files,
    )
    with files.open(result.name) as file:
        return result, file.read()
