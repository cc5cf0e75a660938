"""The step between the starter and the server: it sees that the server dies with its starter.

Run as a script by `process`, by itself and on the standard library alone, so that it starts in some
20 ms. It has one thread, which is why it may call prctl: between fork and exec in the starter,
that could hang on a lock of another thread.

Two ties. `kernel` (Linux): ask the kernel for SIGTERM when the starter dies, then *become* the
server. The kernel means the *thread* that started us, so this tie is for starters' main threads.
`pipe` (the rest): stay, and end the server when a pipe held by the starter closes. Forked children
of the starter hold copies of that pipe, so we look at our parent too.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import time

GRACE = 10.0
"""Seconds a server has to save its data when its starter died, before it is killed."""


def main(arguments: list[str]) -> int:
    """Take: the tie, the starter's pid, the server's lock, the pipe's descriptor, the command."""
    tie, starter, lock, pipe, *command = arguments
    if tie == "kernel":
        die_with(int(starter))
        hold(lock)
        os.execv(command[0], command)
    hold(lock)
    os.set_inheritable(int(pipe), False)
    return watch(start(command), int(starter), int(pipe))


def die_with(parent: int) -> None:
    """Ask the kernel to send SIGTERM when the thread that started us dies."""
    import ctypes

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG; it outlives exec
    ctypes.CDLL(None).prctl(set_parent_death_signal, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before we had asked
        raise SystemExit(f"the starter, {parent}, has died")


def hold(path: str) -> None:
    """Lock the file *path* for as long as the server lives: the descriptor outlives exec."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)
    deadline = time.monotonic() + 2.0
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SystemExit(f"another server holds {path}") from None
            time.sleep(0.01)


def start(command: list[str]) -> int:
    """Start the server as a child and return its pid."""
    watcher = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        if sys.platform == "linux":
            die_with(watcher)
    except ImportError:
        pass  # a Python without ctypes; only a killed watcher leaves its server behind
    try:
        os.execv(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error}\n".encode())
    os._exit(127)


def watch(child: int, starter: int, pipe: int) -> int:
    """Wait for the server, ending it when the starter is gone or asks; return its exit code."""
    asked = False

    def note(number: int, frame: object) -> None:
        nonlocal asked
        asked = asked or number == signal.SIGTERM

    bell, ringer = os.pipe()
    os.set_blocking(bell, False)
    os.set_blocking(ringer, False)
    signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGCHLD, note)
    kill_at = float("inf")
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) & 0xFF
        sources = [bell] if asked else [bell, pipe]
        ready, _, _ = select.select(sources, [], [], 0.5)
        if bell in ready:
            os.read(bell, 512)
        if not asked and (pipe in ready or os.getppid() != starter):
            asked = True
        if asked and kill_at == float("inf"):
            os.kill(child, signal.SIGTERM)
            kill_at = time.monotonic() + GRACE
        if time.monotonic() > kill_at:
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
