"""The tasks that look after an installation."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from jobkit import InvalidPayload, Jobkit
from jobkit.clock import Clock
from jobkit.tasks import system
from jobkit.tasks.system import Ping, ping
from jobkit.testing import drain


def test_a_ping_is_answered_with_who_and_when() -> None:
    pong = ping(Ping(sent_at=Clock().now() - timedelta(seconds=3)))

    assert pong.pid == os.getpid()
    assert pong.seconds == pytest.approx(3, abs=1)


def test_a_ping_need_not_say_when_it_left() -> None:
    pong = ping(Ping())

    assert (pong.sent_at, pong.seconds) == (None, None)


def test_a_ping_comes_back_through_the_store(jobkit_jobs: Callable[..., Jobkit]) -> None:
    jobs = jobkit_jobs([system.tasks])
    sent_at = jobs.clock.now()
    handle = jobs.enqueue(ping, Ping(sent_at=sent_at))

    drain(jobs)

    pong = handle.result(timeout=0)
    assert pong.sent_at == sent_at
    assert handle.job().queue == "system"


def test_a_moment_without_a_zone_is_refused(jobkit_jobs: Callable[..., Jobkit]) -> None:
    jobs = jobkit_jobs([system.tasks])

    with pytest.raises(InvalidPayload, match="sent_at"):
        jobs.enqueue("system.ping", sent_at=datetime(2026, 1, 1))
