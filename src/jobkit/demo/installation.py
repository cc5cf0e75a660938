"""The processes of the demonstration: `jobkit up`, started, watched and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from jobkit.app import Jobkit
from jobkit.demo.shop import FOLDER_VARIABLE
from jobkit.store import workers

APPLICATION = "jobkit.demo.shop:jobs"
_PATIENCE = 90.0
_LOOK_EVERY = 0.1


class Installation:
    """Run the shop's server, worker and beat, with everything they keep in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "demo.log"

    def __enter__(self) -> Self:
        # It watches the pipe, which closes however this process ends.
        self._watched, self._held = os.pipe()
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "jobkit", "up", "--app", APPLICATION,
                    "--concurrency", "2", "--tied", str(self._watched),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(self.folder),
                pass_fds=(self._watched,),
                # A Ctrl-C is for this process, which stops that one in its turn.
                start_new_session=True,
            )  # fmt: skip
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        os.close(self._held)
        os.close(self._watched)

    @property
    def runs(self) -> bool:
        """Tell whether it is up, or on its way there."""
        return self._process.poll() is None

    def await_worker(self, jobs: Jobkit) -> bool:
        """Wait until a worker hears its doorbells; False if none comes."""
        gives_up_at = time.monotonic() + _PATIENCE
        jobs.start()
        while self.runs and time.monotonic() < gives_up_at:
            with jobs.database.read() as conn:
                if workers.living(conn, jobs.clock.now()):
                    return True
            time.sleep(_LOOK_EVERY)
        return False

    def stop(self) -> int:
        """Stop everything in order; returns the exit code."""
        if self.runs:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def last_lines(self, count: int = 20) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


def environment(folder: Path) -> dict[str, str]:
    """Return this process's variables without jobkit's, which are for another application."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JOBKIT_")}
    return {**kept, FOLDER_VARIABLE: str(folder)}
