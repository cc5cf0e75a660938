"""The memory that a worker shares with its children."""

from __future__ import annotations

import os
from typing import Any

import pytest

from jobkit._celery.slots import Slots
from jobkit._celery.warden import Warden
from jobkit.execution.slot import Cause

NOBODY = 2**22 + 1  # above every process id of Linux


def begin(slots: Slots, token: str, index: int = 0) -> Any:
    slot = slots.take(index)
    slot.begin("a job", token, "a.task", None, None)
    return slot


def test_a_run_is_asked_to_stop() -> None:
    slots = Slots(1)
    slot = begin(slots, "one")

    assert slots.request(slots.look()[0], Cause.CANCEL)

    assert slot.cause() is Cause.CANCEL
    assert slots.look()[0].cause is Cause.CANCEL


def test_a_request_that_comes_too_late_stops_no_other_run() -> None:
    slots = Slots(1)
    slot = begin(slots, "one")
    seen = slots.look()[0]
    slot.begin("another job", "two", "a.task", None, None)

    assert not slots.request(seen, Cause.CANCEL)

    assert slot.cause() is Cause.NONE
    assert slots.look()[0].cause is Cause.NONE


def test_a_run_that_begins_in_the_middle_of_a_request_is_not_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots = Slots(1)
    slot = begin(slots, "one")
    seen = slots.look()[0]
    heard: list[Cause] = []
    read = slots._read

    def begin_first(index: int) -> Any:
        monkeypatch.undo()
        slot.begin("another job", "two", "a.task", None, None)
        slots._map[slots._at(0) + 9] = int(Cause.CANCEL)  # written after it began
        heard.append(slot.cause())
        return read(index)

    monkeypatch.setattr(slots, "_read", begin_first)

    assert not slots.request(seen, Cause.CANCEL)
    assert heard == [Cause.NONE]


def test_new_queues_do_not_undo_a_stop() -> None:
    slots = Slots(1)
    slots.stop()
    slots.events = True

    slots.set_queues(["a", "b"])

    assert (slots.stopping, slots.events, slots.queues()) == (True, True, ["a", "b"])


class Lost(Warden):
    """Note the jobs that are lost instead of writing them."""

    def __init__(self, slots: Slots) -> None:
        super().__init__(None, "w", slots)  # type: ignore[arg-type]
        self.told: list[str] = []

    def _lost(self, seen: Any) -> None:
        self.told.append(seen.token)


def test_a_child_that_died_lost_the_run_that_it_had_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots = Slots(1)
    monkeypatch.setattr(os, "getpid", lambda: NOBODY)
    slot = begin(slots, "one")
    earlier = slots.look()[0]
    slot.end()
    slot.begin("another job", "two", "a.task", None, None)
    warden = Lost(slots)

    warden._watch_child(earlier, slots)
    warden._write()

    assert warden.told == ["two"]
    assert slots.look() == []


def test_a_finding_that_cannot_be_recorded_does_not_hold_up_the_others() -> None:
    warden = Lost(Slots(1))
    told: list[str] = []

    def fail() -> None:
        raise TypeError

    warden._unwritten += [fail, lambda: told.append("the next")]
    warden._write()

    assert told == ["the next"]
