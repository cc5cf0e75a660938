"""What these tests share: starters in processes of their own, fake servers, and their ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobkit.embedded.folder import DataFolder
from jobkit.embedded.lock import is_held

STARTER = Path(__file__).with_name("starter.py")


class Starter:
    """A process that has an EmbeddedServer and does what it is told, a line a command."""

    def __init__(self, data_dir: Path, binary: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, os.fspath(STARTER), os.fspath(data_dir), binary],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def tell(self, command: str) -> Any:
        self.send(command)
        return self.receive()

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def until(holds: Callable[[], bool], within: float = 10.0) -> None:
    """Wait, in short polls, until *holds* does."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"not within {within:g} s"
        time.sleep(0.01)


def always(holds: Callable[[], bool], during: float = 0.3) -> None:
    """Watch for a moment, longer than a server takes to go down, that *holds* does."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        assert holds()
        time.sleep(0.01)


def parent_of(pid: int) -> int:
    """Return the parent's pid, on Linux."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def is_served(data_dir: Path) -> bool:
    """Say whether a server process lives on the folder, answering or not."""
    folder = DataFolder(data_dir)
    return folder.path.exists() and is_held(folder.server_lock)


def end_server(data_dir: Path) -> None:
    """End a server that a failed test left behind."""
    pid = DataFolder(data_dir).pid()
    if is_served(data_dir) and pid is not None:
        os.kill(pid, signal.SIGKILL)
        until(lambda: not is_served(data_dir))


def fake_server(path: Path, version: str, then: str = "exit 3") -> str:
    """Write a program that says it is *version* and otherwise does *then*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" && exit 0\n{then}\n')
    path.chmod(0o755)
    return os.fspath(path)
