"""Standing still while the process forks.

A connection that is in use at a fork is shared by two processes. A shared socket mixes up two
conversations; a shared SQLite file is worse: POSIX locks are not inherited, but SQLite's record of
them is, and the child believes it holds locks that it does not, which corrupts the database
(https://sqlite.org/howtocorrupt.html, section 2.6). So nothing is in flight during a fork, and no
SQLite connection is open.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

PATIENCE = 5.0
"""Seconds that a fork waits for running transactions to end."""


class ForkGate:
    """Count the operations inside, and keep new ones out while a fork is under way."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._closed = False
        self._inside = 0
        self._mine = threading.local()

    def __enter__(self) -> None:
        depth = self._depth
        if not depth:  # Whoever is in may go further in, or a closing gate would wait in vain.
            with self._changed:
                while self._closed:
                    self._changed.wait()
                self._inside += 1
        self._mine.depth = depth + 1

    def __exit__(self, *_: object) -> None:
        self._mine.depth -= 1
        if self._mine.depth:
            return
        with self._changed:
            self._inside -= 1
            if self._closed:
                self._changed.notify_all()

    def close(self, patience: float | None = None) -> bool:
        """Let nobody in, wait for those inside, and tell whether all have left.

        The gate's lock stays held until `open` or `restart`: a fork must not find it halfway.
        """
        ends = time.monotonic() + (PATIENCE if patience is None else patience)
        self._changed.acquire()
        self._closed = True
        # The forking thread cannot leave while it forks: waiting for it would be in vain.
        while self._inside > bool(self._depth) and (left := ends - time.monotonic()) > 0:
            self._changed.wait(left)
        return self._inside == 0

    def open(self) -> None:
        """Let operations in again, after `close`."""
        self._closed = False
        self._changed.notify_all()
        self._changed.release()

    def restart(self) -> None:
        """Forget the other threads, which are not there in a forked child."""
        self._changed = threading.Condition(threading.Lock())
        self._closed = False
        self._inside = int(bool(self._depth))

    @property
    def _depth(self) -> int:
        return int(getattr(self._mine, "depth", 0))


class Forking(Protocol):
    """Be told of forks."""

    def before_fork(self) -> None:
        """Come to rest."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Start afresh."""


@dataclass
class _Watch:
    watched: weakref.WeakSet[Forking] = field(default_factory=weakref.WeakSet)
    registered: bool = False

    def tell(self, what: Callable[[Forking], None]) -> None:
        for one in list(self.watched):
            what(one)


_watch = _Watch()


def watch_forks(one: Forking) -> None:
    """Tell *one* of each fork of this process for as long as it lives."""
    _watch.watched.add(one)
    if not _watch.registered and hasattr(os, "register_at_fork"):
        _watch.registered = True
        os.register_at_fork(
            before=lambda: _watch.tell(lambda one: one.before_fork()),
            after_in_parent=lambda: _watch.tell(lambda one: one.after_fork_in_parent()),
            after_in_child=lambda: _watch.tell(lambda one: one.after_fork_in_child()),
        )
