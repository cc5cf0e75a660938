"""The table of a sales report."""

from __future__ import annotations

from jobkit.adapters.sales import Sale
from jobkit.rendering import Column, Kind, Row

COLUMNS = (
    Column("sold_at", "Date", Kind.MOMENT, width=21),
    Column("sale_id", "Sale", width=12),
    Column("product", "Product", width=36, lines=3),
    Column("customer", "Customer", width=22, lines=2),
    Column("payment_method", "Payment", width=14),
    Column("quantity", "Quantity", Kind.NUMBER, width=10, total=True),
    Column("unit_price", "Unit price", Kind.MONEY, width=13),
    Column("total", "Total", Kind.MONEY, width=15, total=True),
    Column("currency", "Currency", Kind.CURRENCY, width=10),
)


def row(sale: Sale) -> Row:
    """Return the row of one line."""
    return (
        sale.sold_at,
        sale.sale_id,
        sale.product,
        sale.customer,
        sale.payment_method,
        sale.quantity,
        sale.unit_price,
        sale.total,
        sale.currency,
    )
