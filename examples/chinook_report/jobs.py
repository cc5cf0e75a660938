"""Sales reports over Chinook, the sample database of a music shop: CHINOOK_DB says where it is."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from jobkit import Jobkit, Settings
from jobkit.adapters.bundled import LocalFiles
from jobkit.adapters.files import FileStorage
from jobkit.adapters.memory import MemoryTenants
from jobkit.adapters.sales import Sale, SalesData
from jobkit.adapters.tenants import Tenant, Tenants
from jobkit.tasks import reports

# Prices are kept as floats: written with two decimals they are the cents that were meant.
LINES = """
    SELECT InvoiceId, InvoiceDate, Track.Name, Quantity, printf('%.2f', InvoiceLine.UnitPrice),
           FirstName || ' ' || LastName
    FROM Invoice JOIN InvoiceLine USING (InvoiceId) JOIN Track USING (TrackId)
    JOIN Customer USING (CustomerId) WHERE InvoiceDate >= ? AND InvoiceDate < ?
    ORDER BY InvoiceDate, InvoiceId, InvoiceLineId
"""


class ChinookSales:
    """Read the lines of Chinook's invoices; its dates are taken for UTC."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def sales(self, tenant_id: str, start: datetime, end: datetime) -> Iterator[Sale]:
        rows = self.connection.execute(LINES, (stored(start), stored(end)))
        for invoice, date, track, quantity, price, customer in rows:
            sold_at = datetime.fromisoformat(date).replace(tzinfo=UTC)
            pieces, each = Decimal(quantity), Decimal(price)
            yield Sale(str(invoice), sold_at, track, pieces, each, pieces * each, "USD", customer)

    def count(self, tenant_id: str, start: datetime, end: datetime) -> int:
        counting = f"SELECT count(*) FROM ({LINES})"
        return int(self.connection.execute(counting, (stored(start), stored(end))).fetchone()[0])


def stored(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def open_chinook() -> Iterator[ChinookSales]:
    database = Path(os.environ["CHINOOK_DB"]).absolute().as_uri() + "?mode=ro"
    with closing(sqlite3.connect(database, uri=True)) as connection:
        yield ChinookSales(connection)


jobs = Jobkit(Settings(), tasks=[reports.tasks])
jobs.adapters.bind(SalesData).to_factory(open_chinook)
jobs.adapters.bind(Tenants).to(MemoryTenants(Tenant("chinook", "Chinook Music", locale="en_US")))
jobs.adapters.bind(FileStorage).to(LocalFiles(jobs.settings.data_dir / "files"))
