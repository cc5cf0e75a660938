"""The command line in processes of its own: installations that come up, answer and go down."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobkit.embedded import EmbeddedServer
from jobkit.testing.processes import WorkerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

APP = "tests.cli.cli_app:jobs"


def until(condition: Callable[[], Any], timeout: float = 40.0, what: str = "it") -> Any:
    ends = time.monotonic() + timeout
    while time.monotonic() < ends:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout:g} s in vain for {what}")


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JOBKIT_")}
    path = os.pathsep.join(path for path in sys.path if path)
    return {**kept, "PYTHONPATH": path, "JOBKIT_DATA_DIR": str(folder), "JOBKIT_APP": APP}


def ours(folder: Path) -> set[int]:
    """Return the living processes whose store is in *folder*."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (place / "stat").read_text().rpartition(")")[2].split()[0]
            if (
                status not in "ZX"
                and f"JOBKIT_DATA_DIR={folder}\0" in (place / "environ").read_text()
            ):
                found.add(int(place.name))
    return found


class Up:
    """Be a running `jobkit up`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "up.log"
        command = [sys.executable, "-m", "jobkit", "up", "--concurrency", "1"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment(folder), start_new_session=True
            )

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def await_line(self, pattern: str, count: int = 1) -> None:
        found = re.compile(pattern, re.MULTILINE)
        until(lambda: len(found.findall(self.log())) >= count, what=f"{pattern} in {self.log()}")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jobkit", *arguments],
            capture_output=True, text=True, env=environment(self.folder), timeout=60,
        )  # fmt: skip

    def worker_pid(self) -> int:
        """Return the main process of its worker."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        (pid,) = [
            int(pid) for pid in children.read_text().split()
            if "\0worker\0" in Path(f"/proc/{pid}/cmdline").read_text()
        ]  # fmt: skip
        return pid


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path)
    try:
        up.await_line(r"^worker +\| .* ready\.")
        yield up
    finally:
        up.process.kill()
        up.process.wait()
        for pid in ours(tmp_path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_an_installation_comes_up_answers_and_goes_down(up: Up, tmp_path: Path) -> None:
    pong = up.run("ping", "--json")
    followed = up.run("enqueue", "words.count_words", "text=one two", "password=hunter2", "-f")
    up.await_line(r"^beat +\| .*a beat starts")
    up.process.send_signal(signal.SIGINT)

    assert json.loads(pong.stdout)["ok"] is True
    assert followed.returncode == 0, followed.stderr
    assert json.loads(followed.stdout) == {"words": 2, "password": "[redacted]"}
    assert up.process.wait(60) == 0
    assert not ours(tmp_path)
    assert not EmbeddedServer(tmp_path / "server").is_running()
    assert "hunter2" not in up.log()


def test_a_killed_worker_is_replaced(up: Up) -> None:
    os.kill(up.worker_pid(), signal.SIGKILL)

    up.await_line(r"^up +\| worker ended by SIGKILL; starting it again in 1 s")
    up.await_line(r"^worker +\| .* ready\.", count=2)
    assert up.run("ping").returncode == 0


def test_nobody_outlives_a_killed_supervisor(up: Up, tmp_path: Path) -> None:
    before = ours(tmp_path)
    server = EmbeddedServer(tmp_path / "server")
    assert server.is_running()

    up.process.kill()
    up.process.wait()

    # A worker, its child, a beat, and the supervisor itself; the server hides its variables.
    assert len(before) == 4
    until(lambda: not ours(tmp_path), what="the end of all")
    assert not server.is_running()


def test_a_quiet_worker_takes_nothing_new(tmp_path: Path) -> None:
    with WorkerProcess(APP, data_dir=tmp_path, name="w@here") as worker:
        command = [sys.executable, "-m", "jobkit", "quiet"]

        ran = subprocess.run(command, capture_output=True, text=True, env=environment(tmp_path))

        assert ran.stdout == "w@here is quiet\n"
        until(lambda: "this worker is quiet" in worker.log())
        assert worker.running
        ping = [sys.executable, "-m", "jobkit", "ping", "--timeout", "1"]
        pinged = subprocess.run(ping, capture_output=True, text=True, env=environment(tmp_path))
        assert "some are quiet" in pinged.stderr
        # It does not take doorbells that others could hear, either.
        assert "1 doorbells wait in system" in pinged.stderr


def test_the_terminals_stop_signal_makes_a_worker_quiet(tmp_path: Path) -> None:
    with WorkerProcess(APP, data_dir=tmp_path) as worker:
        worker.signal(signal.SIGTSTP)

        until(lambda: "this worker is quiet" in worker.log())
        assert worker.stop() == 0
