"""The safe profile and its documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobkit import Settings
from jobkit._celery.profile import redis_options, safe_profile

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "celery-settings.md"


def documented(heading: str) -> set[str]:
    section = PAGE.read_text().split(f"## {heading}")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))


def test_each_setting_of_the_profile_is_documented_with_its_reason() -> None:
    profile = safe_profile(Settings(), "redis://localhost", ["reports"])

    assert documented("The profile") == set(profile)
    assert documented("Transport options on Redis and Valkey") == set(redis_options())


@pytest.mark.parametrize(
    ("url", "redis"),
    [("redis+socket:///run/broker.sock", True), ("rediss://host", True), ("amqp://host", False)],
)
def test_redis_options_go_to_redis_alone(url: str, redis: bool) -> None:
    profile = safe_profile(Settings(), url, [])

    assert bool(profile["broker_transport_options"]) is redis
    assert profile["worker_disable_prefetch"] is redis
