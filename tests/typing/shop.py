"""What the files beside this one use rightly and wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Protocol

from jobkit import JobContext, Payload, Result, Retry, Secret, TaskSet


class Mailbox(Protocol):
    """Send messages."""

    def send(self, to: str, text: str) -> None:
        """Send *text* to somebody."""


class MemoryMailbox:
    """Keep what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, to: str, text: str) -> None:
        """Keep *text*."""
        self.sent.append((to, text))


class Telegraph:
    """Send, but not as a mailbox does."""

    def send(self, words: list[str]) -> None:
        """Send words."""


def open_mailbox() -> Iterator[MemoryMailbox]:
    """Open a mailbox for one job."""
    yield MemoryMailbox()


def open_telegraph() -> Iterator[Telegraph]:
    """Open what is no mailbox."""
    yield Telegraph()


class Order(Payload):
    """Which order it is about."""

    tenant_id: str
    number: int
    day: date | None = None


class Login(Payload):
    """Carry something that must not be seen."""

    user: str
    password: Secret[str]


class Receipt(Result):
    """Tell what was done."""

    number: int
    total: Decimal


tasks = TaskSet("shop")


@tasks.task(retry=Retry(max_attempts=3), time_limit=60)
def confirm(payload: Order, *, job: JobContext, mailbox: Mailbox) -> Receipt:
    """Confirm an order."""
    mailbox.send(payload.tenant_id, f"order {payload.number}")
    return Receipt(number=payload.number, total=Decimal(1))


@tasks.task()
def log_in(payload: Login) -> None:
    """Log in."""


ORDER = Order(tenant_id="b1", number=7)
LOGIN = Login(user="ama", password="correct horse")
