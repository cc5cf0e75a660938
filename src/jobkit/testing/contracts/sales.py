"""What jobkit expects of a `SalesData` adapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from jobkit.adapters.sales import Sale, SalesData

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sale(sale_id: str, sold_at: datetime = NOON, **changes: object) -> Sale:
    """Return a sale of one product; *changes* are fields of `Sale`."""
    plain = Sale(
        sale_id=sale_id,
        sold_at=sold_at,
        product="Rice 5 kg",
        quantity=Decimal(1),
        unit_price=Decimal("12.50"),
        total=Decimal("12.50"),
        currency="EUR",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # checked by Sale itself


class SalesDataContract:
    """Subclass this and implement `adapter`."""

    def adapter(self, sales: Mapping[str, Sequence[Sale]]) -> SalesData:
        """Store *sales*, by tenant, where nothing else is, and return an adapter that reads them.

        A host whose products, customers or payment methods must exist first creates them here.
        """
        raise NotImplementedError

    def test_a_sale_comes_back_as_it_was(self) -> None:
        sold = sale("1", quantity=Decimal("2.5"), total=Decimal("31.25"))
        adapter = self.adapter({"acme": [sold]})

        (read,) = adapter.sales("acme", NOON - HOUR, NOON + HOUR)

        assert _essentials(read) == _essentials(sold)

    def test_amounts_are_decimals_that_lost_no_cent(self) -> None:
        sold = [sale(str(number), total=Decimal("0.10")) for number in range(3)]
        adapter = self.adapter({"acme": sold})

        read = list(adapter.sales("acme", NOON - HOUR, NOON + HOUR))

        assert sum((line.total for line in read), Decimal(0)) == Decimal("0.30")

    def test_a_refund_stays_negative(self) -> None:
        refund = sale("1", quantity=Decimal(-1), total=Decimal("-12.50"))
        adapter = self.adapter({"acme": [refund]})

        (read,) = adapter.sales("acme", NOON - HOUR, NOON + HOUR)

        assert (read.quantity, read.total) == (Decimal(-1), Decimal("-12.50"))

    def test_names_keep_every_letter(self) -> None:
        name = "Ελαιόλαδο, чай & 緑茶 – crème “brûlée”"
        adapter = self.adapter({"acme": [sale("1", product=name)]})

        (read,) = adapter.sales("acme", NOON - HOUR, NOON + HOUR)

        assert read.product == name

    def test_the_start_is_inside_and_the_end_outside(self) -> None:
        sold = [sale("before", NOON - HOUR), sale("start", NOON), sale("end", NOON + HOUR)]
        adapter = self.adapter({"acme": sold})

        read = adapter.sales("acme", NOON, NOON + HOUR)

        assert [line.sale_id for line in read] == ["start"]

    def test_bounds_in_any_zone_mean_the_same_moments(self) -> None:
        kolkata = timezone(timedelta(hours=5, minutes=30))
        adapter = self.adapter({"acme": [sale("1", NOON), sale("2", NOON + HOUR)]})

        read = adapter.sales("acme", NOON.astimezone(kolkata), (NOON + HOUR).astimezone(kolkata))

        assert [line.sale_id for line in read] == ["1"]

    def test_the_earliest_comes_first(self) -> None:
        sold = [sale("2", NOON + HOUR), sale("1", NOON), sale("3", NOON + 2 * HOUR)]
        adapter = self.adapter({"acme": sold})

        read = adapter.sales("acme", NOON, NOON + 3 * HOUR)

        assert [line.sale_id for line in read] == ["1", "2", "3"]

    def test_the_lines_of_a_sale_follow_each_other(self) -> None:
        names = [("1", "Milk"), ("2", "Milk"), ("1", "Rice"), ("2", "Rice")]
        adapter = self.adapter({"acme": [sale(id, product=product) for id, product in names]})

        read = [line.sale_id for line in adapter.sales("acme", NOON, NOON + HOUR)]

        assert sorted(read) == ["1", "1", "2", "2"]
        assert read[0] == read[1]

    def test_no_tenant_sees_the_sales_of_another(self) -> None:
        adapter = self.adapter({"acme": [sale("1")], "other": [sale("2")]})

        read = adapter.sales("acme", NOON, NOON + HOUR)

        assert [line.sale_id for line in read] == ["1"]

    def test_an_unknown_tenant_and_an_empty_range_have_no_sales(self) -> None:
        adapter = self.adapter({"acme": [sale("1")]})

        assert list(adapter.sales("nobody", NOON, NOON + HOUR)) == []
        assert list(adapter.sales("acme", NOON + HOUR, NOON + 2 * HOUR)) == []
        assert adapter.count("nobody", NOON, NOON + HOUR) == 0

    def test_the_count_is_that_of_the_rows(self) -> None:
        sold = [sale(str(number), NOON + number * HOUR) for number in range(5)]
        adapter = self.adapter({"acme": sold, "other": sold[:1]})

        assert adapter.count("acme", NOON, NOON + 4 * HOUR) == 4

    def test_the_rows_come_one_by_one_and_can_be_asked_for_again(self) -> None:
        adapter = self.adapter({"acme": [sale("1"), sale("2", NOON + HOUR)]})

        first = adapter.sales("acme", NOON, NOON + 2 * HOUR)

        assert isinstance(first, Iterator)
        assert next(first).sale_id == "1"
        assert len(list(adapter.sales("acme", NOON, NOON + 2 * HOUR))) == 2


def _essentials(sale: Sale) -> tuple[object, ...]:
    """Return what every host records; customers and payment methods are not for all."""
    return (
        sale.sale_id, sale.sold_at, sale.product, sale.quantity, sale.unit_price, sale.total,
        sale.currency,
    )  # fmt: skip
