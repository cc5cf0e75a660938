"""Moments and spans of time as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobkit.cli.fields import moment_of, past_moment, span_of
from jobkit.errors import ConfigurationError

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90", timedelta(seconds=90)),
        ("90s", timedelta(seconds=90)),
        ("1.5m", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_span_of_time_has_a_unit(text: str, span: timedelta) -> None:
    assert span_of(text) == span


@pytest.mark.parametrize("text", ["", "h", "2 h", "-2h", "2y", "2h30m"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no span of time"):
        span_of(text)


def test_a_moment_without_a_zone_is_this_machines() -> None:
    moment = moment_of("2027-01-31T09:00")

    assert moment.tzinfo is not None
    assert moment.replace(tzinfo=None) == datetime(2027, 1, 31, 9)


def test_a_moment_in_the_past_may_be_a_span() -> None:
    assert past_moment("2h", NOW) == NOW - timedelta(hours=2)
    assert past_moment("2026-06-01T00:00+00:00", NOW) == datetime(2026, 6, 1, tzinfo=UTC)
