"""Reports and exports that a tenant asks for: rendered, stored, and handed out as a file."""

from jobkit.tasks.reports.tasks import (
    SalesReport,
    SalesReportFile,
    generate_sales_report,
    tasks,
)

__all__ = ["SalesReport", "SalesReportFile", "generate_sales_report", "tasks"]
