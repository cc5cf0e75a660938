from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from jobkit.adapters.tenants import Tenant
from jobkit.errors import InvalidRecord
from jobkit.testing.contracts.sales import sale


@pytest.mark.parametrize("field", ["quantity", "unit_price", "total"])
@pytest.mark.parametrize("amount", [12.5, 12, "12.50", Decimal("NaN"), Decimal("Infinity")])
def test_an_amount_that_is_no_finite_decimal_is_refused(field: str, amount: Any) -> None:
    with pytest.raises(InvalidRecord, match="finite Decimal"):
        sale("1", **{field: amount})


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="no time zone"):
        sale("1", datetime(2025, 1, 1))


def test_a_sale_without_a_currency_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="no currency"):
        replace(sale("1"), currency="")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "Europe", "../etc/passwd"])
def test_a_tenant_lives_in_a_time_zone_that_exists(zone: str) -> None:
    with pytest.raises(InvalidRecord, match="no time zone"):
        Tenant("acme", "Acme Ltd", timezone=zone)


@pytest.mark.parametrize("locale", ["xx_YY", "", "english please"])
def test_a_tenant_writes_in_a_locale_that_exists(locale: str) -> None:
    with pytest.raises(InvalidRecord, match="no locale"):
        Tenant("acme", "Acme Ltd", locale=locale)
