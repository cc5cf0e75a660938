"""The supervisor, on processes that take milliseconds."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jobkit.cli import supervisor as module
from jobkit.cli.relay import Relay
from jobkit.cli.supervisor import Part, Supervisor

# What a part's script begins with: a way to say things that survives its end.
HEAD = """
import os, signal, sys, time
def note(*words): open({notes!r}, "a").write(" ".join(map(str, words)) + "\\n")
def on(number, do): signal.signal(number, lambda *_: do())
"""
OBEDIENT = """
def stop(): note("stop", {name!r}); sys.exit({code})
on(signal.SIGTERM, stop)
note("start", {name!r}, os.getpid())
while True: time.sleep(0.01)
"""
STUBBORN = """
on(signal.SIGTERM, lambda: note("term"))
on(signal.SIGQUIT, lambda: (note("quit"), {at_quit}))
note("start", "stubborn", os.getpid())
while True: time.sleep(0.01)
"""


class Stage:
    """Hold the parts of a test, and what they noted."""

    def __init__(self, folder: Path) -> None:
        self._notes = folder / "notes"
        self._notes.touch()
        self.log = io.StringIO()

    def part(self, script: str, name: str = "part", patience: float = 10.0) -> Part:
        text = HEAD.format(notes=str(self._notes)) + script
        return Part(name, [sys.executable, "-S", "-c", text], patience)

    def obedient(self, name: str, code: int = 0) -> Part:
        return self.part(OBEDIENT.format(name=name, code=code), name)

    def notes(self, first: str) -> list[str]:
        lines = self._notes.read_text().splitlines()
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{first}")]

    def run(
        self, *parts: Part, until: Callable[[], object], again_after: float | None = None
    ) -> int:
        """Run a supervisor until something has happened, and then ask it to stop."""
        ends = time.monotonic() + 20

        def tend() -> None:
            assert time.monotonic() < ends, self.log.getvalue()
            if until():
                supervisor.stop()
                if again_after is not None:
                    threading.Timer(again_after, supervisor.stop).start()

        supervisor = Supervisor(parts, Relay(as_json=False, stream=self.log), tend)
        return supervisor.run()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(module, "_TURN", 0.01)
    monkeypatch.setattr(module, "_FIRST_REST", 0.02)
    monkeypatch.setattr(module, "_LAST_PATIENCE", 0.3)
    return Stage(tmp_path)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_parts_are_stopped_the_last_one_first(stage: Stage) -> None:
    parts = [stage.obedient(name) for name in ("worker a", "worker b", "beat")]

    code = stage.run(*parts, until=lambda: len(stage.notes("start")) == 3)

    assert code == 0
    assert stage.notes("stop") == ["beat", "worker b", "worker a"]


def test_a_signal_stops_it(stage: Stage) -> None:
    sent: list[bool] = []

    def send() -> bool:
        if stage.notes("start") and not sent:
            sent.append(True)
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    assert stage.run(stage.obedient("worker"), until=send) == 0
    assert stage.notes("stop") == ["worker"]


def test_its_lines_say_whose_they_are(stage: Stage) -> None:
    talker = stage.part("print('ready', flush=True); time.sleep(60)", "talker")

    stage.run(talker, until=lambda: "ready" in stage.log.getvalue())

    assert "talker   | ready\n" in stage.log.getvalue()


def test_a_part_that_crashes_is_started_again_and_later_each_time(stage: Stage) -> None:
    crashing = stage.part("note('start'); os.kill(os.getpid(), signal.SIGKILL)", "worker")

    stage.run(crashing, until=lambda: len(stage.notes("start")) == 4)

    told = [line for line in stage.log.getvalue().splitlines() if "starting it again" in line]
    assert [line.rpartition(" in ")[2] for line in told[:3]] == ["0.02 s", "0.04 s", "0.08 s"]
    assert "worker ended by SIGKILL" in told[0]


def test_a_part_that_ran_for_long_is_started_again_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEADY_AFTER", 0.0)
    crashing = stage.part("note('start'); sys.exit(1)", "worker")

    stage.run(crashing, until=lambda: len(stage.notes("start")) == 4)

    told = [line for line in stage.log.getvalue().splitlines() if "starting it again" in line]
    assert {line.rpartition(" in ")[2] for line in told} == {"0.02 s"}


@pytest.mark.parametrize("code", [2, 3])
def test_what_a_restart_does_not_mend_stops_everything(stage: Stage, code: int) -> None:
    script = f"while not open({str(stage._notes)!r}).read(): pass\nsys.exit({code})"

    ended = stage.run(stage.obedient("worker"), stage.part(script, "beat"), until=lambda: False)

    assert ended == code
    assert stage.notes("stop") == ["worker"]
    assert "beat cannot run; stopping" in stage.log.getvalue()


def test_a_part_that_ends_badly_makes_it_end_badly(stage: Stage) -> None:
    code = stage.run(stage.obedient("worker", code=7), until=lambda: stage.notes("start"))

    assert code == 1


def test_a_part_that_takes_too_long_is_asked_firmly(stage: Stage) -> None:
    slow = stage.part(STUBBORN.format(at_quit="sys.exit(0)"), patience=0.1)

    code = stage.run(slow, until=lambda: stage.notes("start"))

    assert code == 0
    assert len(stage.notes("term")) == len(stage.notes("quit")) == 1


def test_a_part_that_listens_to_nothing_is_killed(stage: Stage) -> None:
    deaf = stage.part(STUBBORN.format(at_quit="None"), "deaf", patience=0.1)

    code = stage.run(deaf, until=lambda: stage.notes("start"))

    (pid,) = [int(note.split()[-1]) for note in stage.notes("start")]
    assert code == 1
    assert "deaf does not stop; it is killed" in stage.log.getvalue()
    assert not lives(pid)


def test_a_second_request_is_passed_on_at_once(stage: Stage) -> None:
    slow = stage.part(STUBBORN.format(at_quit="sys.exit(0)"), patience=60.0)

    began = time.monotonic()
    code = stage.run(slow, until=lambda: stage.notes("start"), again_after=0.1)

    assert code == 0
    assert time.monotonic() - began < 30
    assert stage.notes("quit") == [""]
