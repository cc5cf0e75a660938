"""The watcher alone: each of the things that make it end the server, and what it passes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import jobkit.embedded
from jobkit.embedded.lock import is_held

WATCH = Path(jobkit.embedded.__file__).with_name("watch.py")

SLEEPER = ["/bin/sh", "-c", "echo up; exec sleep 60"]
"""Stands for a server: says when it runs, and ends at SIGTERM."""


ENDED_BY_SIGTERM = -signal.SIGTERM & 0xFF


class Watchers:
    """Runs watchers as `process` does, with one pipe between them and us."""

    def __init__(self, lock: Path) -> None:
        self.lock = lock
        self.reader, writer = os.pipe()
        self.writer: int | None = writer
        self.running: list[subprocess.Popen[str]] = []

    def __call__(self, tie: str, starter: int, command: list[str]) -> subprocess.Popen[str]:
        script = [sys.executable, "-I", "-S", os.fspath(WATCH)]
        arguments = [tie, str(starter), os.fspath(self.lock), str(self.reader), *command]
        process = subprocess.Popen(
            [*script, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(self.reader,),
            text=True,
        )
        self.running.append(process)
        return process

    def close_pipe(self) -> None:
        if self.writer is not None:
            os.close(self.writer)
            self.writer = None


@pytest.fixture
def watch(tmp_path):
    watchers = Watchers(tmp_path / "lock")
    yield watchers
    for process in watchers.running:
        process.terminate()
        process.communicate(timeout=15)
    watchers.close_pipe()
    os.close(watchers.reader)


def test_the_server_ends_when_the_pipe_closes(watch):
    process = watch("pipe", os.getpid(), SLEEPER)
    assert process.stdout.readline() == "up\n"

    watch.close_pipe()

    assert process.wait(10) == ENDED_BY_SIGTERM


def test_the_server_ends_when_the_watcher_has_another_parent(watch):
    process = watch("pipe", os.getpid() + 1, SLEEPER)

    assert process.wait(10) == ENDED_BY_SIGTERM


def test_the_server_ends_when_the_watcher_is_asked_to(watch):
    process = watch("pipe", os.getpid(), SLEEPER)
    assert process.stdout.readline() == "up\n"

    process.terminate()

    assert process.wait(10) == ENDED_BY_SIGTERM


def test_the_exit_code_of_the_server_is_passed_on(watch):
    assert watch("pipe", os.getpid(), ["/bin/sh", "-c", "exit 7"]).wait(10) == 7


def test_a_server_that_cannot_be_run_is_named(watch):
    process = watch("pipe", os.getpid(), ["/no/such/server"])

    assert process.wait(10) == 127
    assert "/no/such/server" in process.stderr.read()


@pytest.mark.parametrize("tie", ["pipe", "kernel"])
def test_the_lock_is_held_as_long_as_the_server_lives(watch, tmp_path, tie):
    if tie == "kernel" and sys.platform != "linux":
        pytest.skip("only Linux ties by the kernel")
    process = watch(tie, os.getpid(), SLEEPER)
    assert process.stdout.readline() == "up\n"

    assert is_held(tmp_path / "lock")
    process.terminate()
    process.wait(10)

    assert not is_held(tmp_path / "lock")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties by the kernel")
def test_a_starter_that_died_before_it_was_tied_to_gets_no_server(watch):
    process = watch("kernel", os.getpid() + 1, SLEEPER)

    assert process.wait(10) == 1
    assert "has died" in process.stderr.read()
    assert process.stdout.read() == ""


def test_a_second_server_of_a_folder_is_refused(watch):
    first = watch("pipe", os.getpid(), SLEEPER)
    assert first.stdout.readline() == "up\n"

    second = watch("pipe", os.getpid(), SLEEPER)

    assert second.wait(10) == 1
    assert "another server holds" in second.stderr.read()
