"""The order of claims."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobkit.queues import Priority
from jobkit.store.orders import claim_order, microseconds

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_moment_is_counted_in_microseconds() -> None:
    assert microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
    assert microseconds(datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == 0
    assert microseconds(datetime(9999, 12, 31, tzinfo=UTC)) < 2**63


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_is_a_head_start(priority: Priority) -> None:
    started = timedelta(seconds=priority.head_start)

    assert claim_order(priority, NOON + started) == claim_order(Priority.NORMAL, NOON)
