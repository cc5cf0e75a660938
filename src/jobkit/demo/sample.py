"""A small shop's year of sales, made up and always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from jobkit.adapters.sales import Sale
from jobkit.adapters.tenants import Tenant

SHOP = Tenant(
    id="makola-corner",
    name="Makola Corner Shop",
    timezone="Africa/Accra",
    locale="en_GH",
    currency="GHS",
    address=("14 Kojo Thompson Road", "Accra, Ghana", "TIN C0001234567"),
    recipients=("owner@makola-corner.example",),
)
FIRST_DAY = date(2025, 1, 1)
LAST_DAY = date(2025, 12, 31)

# Name, price in pesewas, how often it is asked for.
_PRODUCTS = (
    ("Bottled water 1.5 l", 595, 90),
    ("Bread, sugar", 1795, 80),
    ("Bread, tea", 1640, 60),
    ("Milk, evaporated 160 g", 965, 70),
    ("Eggs, tray of 30", 6480, 30),
    ("Rice, jasmine 5 kg", 14490, 28),
    ("Rice, local brown 1 kg", 2575, 24),
    ("Gari 1 kg", 1820, 26),
    ("Tomato paste 210 g", 845, 60),
    ("Sardines in oil 125 g", 1255, 45),
    ("Mackerel in tomato 155 g", 1349, 40),
    ("Cooking oil 1 l", 3895, 36),
    ("Palm oil 1 l", 3420, 22),
    ("Sugar, brown 1 kg", 2095, 34),
    ("Salt, iodised 500 g", 510, 26),
    ("Groundnut paste 400 g", 2915, 18),
    ("Shito, home style 250 g", 3240, 16),
    ("Plantain chips 80 g", 890, 48),
    ("Biscuits, digestive", 1545, 34),
    ("Toffees, bag", 1099, 28),
    ("Malt drink 330 ml", 1295, 55),
    ("Ginger drink 330 ml", 1210, 40),
    ("Mango juice 1 l", 2385, 24),
    ("Instant noodles 70 g", 549, 66),
    ("Spaghetti 500 g", 1465, 32),
    ("Oats 500 g", 2720, 18),
    ("Corn flakes 300 g", 4215, 12),
    ("Cocoa powder 250 g", 3585, 12),
    ("Chocolate, dark 100 g", 2790, 20),
    ("Kaffee, gemahlen 250 g", 6890, 8),
    ("Café moulu, 250 g", 6425, 8),
    ("Ελαιόλαδο 500 ml", 11845, 4),
    ("Чай чёрный", 4785, 5),
    ("Soap, bar", 895, 42),
    ("Washing powder 900 g", 3725, 22),
    ("Bleach 1 l", 2310, 14),
    ("Toothpaste 140 g", 2199, 20),
    ("Toilet roll, pack of 10", 4520, 18),
    ("Candles, pack of 6", 1485, 10),
    ("Batteries AA, pack of 4", 2640, 12),
    ("Phone credit 10", 1000, 58),
    ("Phone credit 50", 5000, 22),
    ("Exercise book, 80 pages", 720, 20),
    ("Umbrella, folding", 6175, 4),
)
_NAMES = tuple(name for name, _, _ in _PRODUCTS)
_PRICES = {name: Decimal(price).scaleb(-2) for name, price, _ in _PRODUCTS}
_WEIGHTS = tuple(weight for _, _, weight in _PRODUCTS)

# Most customers give no name.
_CUSTOMERS = (
    *(None,) * 24,
    "Ama Owusu",
    "Kofi Mensah",
    "Esi Boateng",
    "Yaw Darko",
    "Akosua Asante",
    "Zoë Müller",
    "Иван Петров",
    "Γιώργος Παππάς",
)
_METHODS = ("Cash", "Mobile money", "Card")
_METHOD_WEIGHTS = (48, 40, 12)
_QUANTITIES = (1, 1, 1, 1, 2, 2, 3, 4, 6)
_REFUNDS = 0.008
_OPENS = 7
_OPEN_SECONDS = 14 * 3600


class SampleSales:
    """Serve the sample shop's sales: about 56,000 lines in the year 2025.

    Each day is drawn from a generator of its own, so any range is quick to begin and the same
    sales come whichever range they are asked for in. Tenants other than the shop have none.
    """

    def sales(self, tenant_id: str, start: datetime, end: datetime) -> Iterator[Sale]:
        """Yield the sales from *start* to before *end*."""
        if tenant_id != SHOP.id:
            return
        day = max(FIRST_DAY, start.astimezone(SHOP.zone).date())
        last = min(LAST_DAY, end.astimezone(SHOP.zone).date())
        while day <= last:
            for sale in _sales_of(day):
                if start <= sale.sold_at < end:
                    yield sale
            day += timedelta(days=1)

    def count(self, tenant_id: str, start: datetime, end: datetime) -> int:
        """Return how many there are."""
        return sum(1 for _ in self.sales(tenant_id, start, end))


def _sales_of(day: date) -> Iterator[Sale]:
    """Draw the sales of one day, the earliest first."""
    random = Random(f"makola {day.isoformat()}")
    opens = datetime.combine(day, time(_OPENS), SHOP.zone).astimezone(UTC)
    seconds = sorted(random.choices(range(_OPEN_SECONDS), k=_customers_on(day, random)))
    for number, second in enumerate(seconds, start=1):
        sold_at = opens + timedelta(seconds=second)
        customer = random.choice(_CUSTOMERS)
        (method,) = random.choices(_METHODS, _METHOD_WEIGHTS)
        refund = random.random() < _REFUNDS
        products = random.choices(_NAMES, _WEIGHTS, k=1 if refund else random.randint(1, 3))
        for product in dict.fromkeys(products):
            quantity = Decimal(-1 if refund else random.choice(_QUANTITIES))
            price = _PRICES[product]
            yield Sale(
                sale_id=f"{day:%y%m%d}-{number:03}",
                sold_at=sold_at,
                product=product,
                quantity=quantity,
                unit_price=price,
                total=quantity * price,
                currency=SHOP.currency,
                customer=customer,
                payment_method=method,
            )


def _customers_on(day: date, random: Random) -> int:
    """Return how many come: more at the end of a week, at the end of a month, in December."""
    busy = 72.0
    busy *= (0.9, 0.85, 0.9, 1.0, 1.25, 1.4, 0.7)[day.weekday()]
    busy *= 1.15 if day.day >= 25 else 1.0
    busy *= {8: 0.9, 11: 1.1, 12: 1.35}.get(day.month, 1.0)
    return round(busy * random.uniform(0.88, 1.12))
