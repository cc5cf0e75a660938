"""Real workers for tests, in processes of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

from jobkit.clock import TRAVEL_VARIABLE

_READY = re.compile(r"\bready\.")
_STEP = 0.02
_TAIL = 4000


class WorkerProcess:
    """Run a worker of an application, named as `module:object`, and end it with the block.

    It has *data_dir* for its own: the default store and the embedded server are there, and no
    variable `JOBKIT_...` of this process reaches it but those of *env*, and the one by which it
    travels in time. Everything it starts is in one session with it, and goes down with it. POSIX
    only.
    """

    def __init__(
        self,
        app: str,
        *,
        data_dir: Path,
        pool: Literal["prefork", "threads", "solo"] = "prefork",
        concurrency: int = 1,
        queues: Sequence[str] = (),
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ready_within: float = 30.0,
    ) -> None:
        self.data_dir = data_dir
        self._command = [sys.executable, "-m", "jobkit", "worker", "--app", app, "--pool", pool]
        self._command += ["--concurrency", str(concurrency)]
        self._command += ["--queues", ",".join(queues)] if queues else []
        self._command += ["--name", name] if name else []
        self._environment = _environment(data_dir, env or {})
        self._cwd = cwd
        self._ready_within = ready_within
        self._process: subprocess.Popen[bytes] | None = None
        self._log = data_dir / f"worker-{id(self):x}.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, *, wait: bool = True) -> None:
        """Start the worker; wait until it consumes, unless told not to."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._cwd,
                start_new_session=True,
            )
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.kill()
                raise

    def wait_ready(self) -> None:
        """Wait until the worker consumes. Raises `AssertionError` with the end of its log."""
        ends = time.monotonic() + self._ready_within
        while not _READY.search(self.log()):
            if not self.running:
                raise AssertionError(f"the worker ended with {self.exit_code}:{self._tail()}")
            if time.monotonic() > ends:
                raise AssertionError(f"not ready in {self._ready_within:g} s:{self._tail()}")
            time.sleep(_STEP)

    @property
    def pid(self) -> int:
        """Return the process id of the worker's main process, also that of its group."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Tell whether the main process lives."""
        return self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """Return how the main process ended: a signal is negative; None while it runs."""
        process = self._started()
        if process.returncode is not None or not hasattr(os, "waitid"):
            return process.poll()
        # Looked at, and not yet waited for: until then no other group can get this number.
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT
        seen = os.waitid(os.P_PID, process.pid, look)
        if seen is None:
            return None
        return seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status

    def log(self) -> str:
        """Return all that the worker and its children have written."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def signal(self, number: int) -> None:
        """Send a signal to the main process alone, as a supervisor does."""
        os.kill(self.pid, number)

    def stop(self, timeout: float = 30.0) -> int:
        """Ask the worker to stop, wait until it has, and return its exit code."""
        self.signal(signal.SIGTERM)
        ends = time.monotonic() + timeout
        while (code := self.exit_code) is None:
            if time.monotonic() > ends:
                raise AssertionError(f"not stopped in {timeout:g} s:{self._tail()}")
            time.sleep(_STEP)
        return code

    def kill(self) -> None:
        """Kill the worker and all it has started, as when the machine goes down."""
        if self._process is None or self._process.returncode is not None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("the worker was not started")
        return self._process

    def _tail(self) -> str:
        return f"\n{self.log()[-_TAIL:]}"


def _environment(data_dir: Path, given: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("JOBKIT_") or name == TRAVEL_VARIABLE
    }
    return {
        **kept,
        # What the test can import, the worker can.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "JOBKIT_DATA_DIR": os.fspath(data_dir),
        **given,
    }
