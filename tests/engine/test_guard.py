"""The signal that stops a run, and the moments in which it must wait."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from jobkit._celery.slots import Slots
from jobkit._celery.station import STOP_SIGNAL, SignalGuard
from jobkit.clock import Clock
from jobkit.errors import Cancelled, Interrupted, TimeLimitReached
from jobkit.execution.slot import Cause
from jobkit.execution.values import Values
from jobkit.store.database import Database


@pytest.fixture
def slots() -> Slots:
    return Slots(1)


@pytest.fixture
def guard(slots: Slots) -> Iterator[SignalGuard]:
    before = signal.getsignal(STOP_SIGNAL)
    slot = slots.take(0)
    slot.begin("a job", "a token", "a.task", None, None)
    guard = SignalGuard(slot)
    guard.install()
    yield guard
    signal.signal(STOP_SIGNAL, before)


def stop(slots: Slots, cause: Cause) -> None:
    slots.request(slots.look()[0], cause)
    os.kill(os.getpid(), STOP_SIGNAL)


def test_the_signal_raises_what_the_run_is_stopped_for(slots: Slots, guard: SignalGuard) -> None:
    def overrun() -> None:
        stop(slots, Cause.SOFT_LIMIT)
        time.sleep(1)

    with pytest.raises(TimeLimitReached), guard():
        overrun()


def test_a_signal_that_came_too_early_is_heard_when_the_task_begins(
    slots: Slots, guard: SignalGuard
) -> None:
    stop(slots, Cause.CANCEL)

    with pytest.raises(Cancelled), guard():
        pass


def test_a_signal_outside_the_task_raises_nothing(slots: Slots, guard: SignalGuard) -> None:
    with guard():
        pass

    stop(slots, Cause.CANCEL)
    time.sleep(0.05)


def test_a_signal_in_the_middle_of_a_transaction_waits_for_its_end(
    slots: Slots, guard: SignalGuard, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store'}", clock=Clock())
    finished = threading.Event()

    def slow(conn: object) -> None:
        stop(slots, Cause.CANCEL)
        time.sleep(0.1)
        finished.set()

    def task() -> None:
        database.write(slow)
        time.sleep(1)

    with pytest.raises(Cancelled), guard():
        task()

    assert finished.is_set()
    with database.read() as conn:
        assert conn.execute(text("SELECT 1")).scalar() == 1
    database.dispose()


def test_a_hosts_own_soft_limit_is_passed_on_while_no_doorbell_is_answered(slots: Slots) -> None:
    heard: list[int] = []
    before = signal.signal(STOP_SIGNAL, lambda number, frame: heard.append(number))
    guard = SignalGuard(slots.take(0))
    guard.install()

    os.kill(os.getpid(), STOP_SIGNAL)
    guard.answering = True
    os.kill(os.getpid(), STOP_SIGNAL)

    signal.signal(STOP_SIGNAL, before)
    assert heard == [STOP_SIGNAL]


def test_a_signal_waits_until_what_was_done_is_written_down(
    slots: Slots, guard: SignalGuard
) -> None:
    class Number(int):
        __hash__ = int.__hash__

        def __eq__(self, other: object) -> bool:
            stop(slots, Cause.INTERRUPT)
            time.sleep(0.1)
            return True

    packed: list[object] = []
    values = Values(None, 1024)

    def task() -> None:
        packed.append(values.pack(Number(7), None, "the effect charge"))
        time.sleep(1)

    with pytest.raises(Interrupted), guard():
        task()

    assert packed == [("7", 7)]
