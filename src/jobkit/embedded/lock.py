"""Locks on files: flock, which the kernel lets go when their holder dies."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from jobkit.errors import EmbeddedServerError

# Windows has no flock; `find_server` and `ensure` refuse it before they come here.
if sys.platform != "win32":
    import fcntl

STEP = 0.02
"""Seconds between two looks at a lock or a socket."""


@contextlib.contextmanager
def held(path: Path, deadline: float) -> Iterator[None]:
    """Hold the lock at *path*, waited for until the monotonic time *deadline*.

    It is unlocked rather than only closed: a child forked by another thread meanwhile has a copy of
    the descriptor and would hold the lock for all its life.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _taken(descriptor):
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"Another process has held {path} for too long: it may hang while it starts"
                    " the embedded server. Look for it with `fuser` or `lsof`, and end it"
                )
            time.sleep(STEP)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Say whether a living process holds the lock at *path*."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken(descriptor):
            return True
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise EmbeddedServerError(
            f"The data folder's file system has no locks ({error}): choose one on a local disk"
        ) from error
    return True
