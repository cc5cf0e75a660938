from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobkit.clock import Clock
from jobkit.testing import TimeTravel

TELL_TIME = "from jobkit.clock import Clock; print(Clock().time())"


@pytest.fixture
def travel(tmp_path: Path) -> TimeTravel:
    return TimeTravel(tmp_path / "clock")


def test_time_passes_without_waiting(travel: TimeTravel) -> None:
    before = travel.clock.now()

    travel.travel(timedelta(hours=1))

    assert travel.clock.now() - before == pytest.approx(
        timedelta(hours=1), abs=timedelta(seconds=5)
    )


def test_seconds_add_up_and_go_back(travel: TimeTravel) -> None:
    before = travel.now()

    travel.travel(90)
    travel.travel(-30)

    assert (travel.now() - before).total_seconds() == pytest.approx(60, abs=5)


def test_a_moment_is_reached(travel: TimeTravel) -> None:
    moment = datetime(2031, 5, 1, 9, tzinfo=UTC)

    reached = travel.travel_to(moment)

    assert timedelta() <= reached - moment < timedelta(seconds=5)


def test_every_clock_of_the_file_moves(travel: TimeTravel, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in travel.environment.items():
        monkeypatch.setenv(name, value)
    other = Clock()

    travel.travel(1000)

    assert other.time() == pytest.approx(travel.clock.time(), abs=5)


def test_other_processes_travel_along(travel: TimeTravel) -> None:
    travel.travel(timedelta(days=400))

    told = subprocess.run(
        [sys.executable, "-c", TELL_TIME],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **travel.environment},
        capture_output=True,
        text=True,
        check=True,
    )

    assert float(told.stdout) == pytest.approx(travel.clock.time(), abs=20)
