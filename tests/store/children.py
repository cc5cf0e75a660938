"""Forked children, as a prefork worker has them."""

from __future__ import annotations

import os
import pickle
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Child:
    """Hold a forked process that runs one function."""

    pid: int
    pipe: int

    def result(self, timeout: float = 30.0) -> Any:
        """Return what the function returned; fail where it raised, hung or died."""
        told = b""
        try:
            while select.select([self.pipe], [], [], timeout)[0]:
                if not (part := os.read(self.pipe, 65536)):
                    break
                told += part
            else:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"the child hung for {timeout} s")
        finally:
            os.close(self.pipe)
            os.waitpid(self.pid, 0)
        assert told, "the child died"
        worked, value = pickle.loads(told)
        assert worked, value
        return value


def fork(fn: Callable[[], Any]) -> Child:
    """Run *fn* in a forked child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    try:
        told = (True, fn())
    except BaseException:
        told = (False, traceback.format_exc())
    try:
        os.write(writing, pickle.dumps(told))
    finally:
        os._exit(0)
