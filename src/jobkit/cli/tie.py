"""The tie between a process and those it starts: a pipe that closes when it is gone."""

from __future__ import annotations

import os
import signal
import threading
from typing import Annotated

import typer

TiedOption = Annotated[
    int | None,
    typer.Option("--tied", hidden=True, help="Stop when this file descriptor reaches its end."),
]


class Tie:
    """Hold one end of a pipe; the processes that were started watch the other, `watched`."""

    def __init__(self) -> None:
        self.watched, self._held = os.pipe()

    def close(self) -> None:
        """Let go; what still runs then stops."""
        os.close(self._held)
        os.close(self.watched)


def stop_with(descriptor: int | None) -> None:
    """Stop this process, as SIGTERM does, when whoever started it is gone; None: do nothing."""
    if descriptor is None:
        return
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_watch, args=(descriptor,), name="jobkit-tie", daemon=True).start()


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
