"""The one clock."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC
from pathlib import Path

import pytest

from jobkit.clock import TRAVEL_VARIABLE, Clock, TravelFile


def test_until_it_is_synchronised_it_tells_this_machines_time() -> None:
    clock = Clock()

    assert clock.time() == pytest.approx(time.time(), abs=1)
    assert clock.due


def test_it_tells_the_time_in_utc() -> None:
    clock = Clock()

    assert clock.now().tzinfo is UTC
    assert clock.now().timestamp() == pytest.approx(clock.time(), abs=1)


def test_it_goes_on_from_the_databases_time() -> None:
    clock = Clock()

    clock.synchronise(1_000.0)

    assert clock.time() == pytest.approx(1_000, abs=1)
    assert clock.skew == pytest.approx(time.time() - 1_000, abs=1)
    assert not clock.due


def test_a_stepped_system_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.synchronise(1_000.0)

    monkeypatch.setattr(time, "time", lambda: 5.0)

    assert clock.time() == pytest.approx(1_000, abs=1)


def test_it_asks_to_be_synchronised_each_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.synchronise(1_000.0)
    passed = time.monotonic()

    monkeypatch.setattr(time, "monotonic", lambda: passed + 59)
    before = clock.due
    monkeypatch.setattr(time, "monotonic", lambda: passed + 61)

    assert not before
    assert clock.due
    assert clock.time() == pytest.approx(1_061, abs=1)


def test_it_never_goes_backwards_between_synchronisations() -> None:
    clock = Clock()

    readings = [clock.time() for _ in range(1_000)]

    assert readings == sorted(readings)


def test_clocks_that_share_a_file_travel_together(tmp_path: Path) -> None:
    one, other = Clock(TravelFile(tmp_path / "t")), Clock(TravelFile(tmp_path / "t"))
    other.synchronise(1_000.0)
    before = one.time()

    TravelFile(tmp_path / "t").travel(3_600)
    TravelFile(tmp_path / "t").travel(-600)

    assert one.time() - before == pytest.approx(3_000, abs=1)
    assert other.time() == pytest.approx(4_000, abs=1)


def test_another_process_travels_along(tmp_path: Path) -> None:
    TravelFile(tmp_path / "t").travel(86_400)
    code = "from jobkit.clock import Clock; print(Clock().time())"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={TRAVEL_VARIABLE: str(tmp_path / "t"), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert float(done.stdout) == pytest.approx(time.time() + 86_400, abs=10)


def test_an_existing_travel_file_keeps_its_time(tmp_path: Path) -> None:
    TravelFile(tmp_path / "t").travel(10)

    assert TravelFile(str(tmp_path / "t")).seconds == 10
