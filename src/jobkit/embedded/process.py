"""The server's process: started with a tie to this one, and ended only by it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from jobkit.embedded.folder import DataFolder
from jobkit.errors import EmbeddedServerError

_WATCH = Path(__file__).with_name("watch.py")


class ServerProcess:
    """A server that this process started.

    It remembers the pid of its starter: a child forked later has this object too, and must neither
    end the server nor wait for it.
    """

    def __init__(self, command: list[str], folder: DataFolder) -> None:
        if not sys.executable:
            raise EmbeddedServerError(
                "The embedded server needs to know which Python runs, and sys.executable is empty"
                " in this process: start it from another, or set JOBKIT_BROKER_URL"
            )
        self._starter = os.getpid()
        by_kernel = kernel_ties()
        reader, writer = (None, None) if by_kernel else os.pipe()
        self._pipe = writer
        # No site, no environment: nothing of the host runs in the watcher.
        watcher = [sys.executable, "-I", "-S", os.fspath(_WATCH)]
        tie = ["kernel" if by_kernel else "pipe", str(self._starter)]
        log = os.open(folder.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._process = subprocess.Popen(
                [*watcher, *tie, os.fspath(folder.server_lock), str(reader), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=() if reader is None else (reader,),
                # A Ctrl-C in the terminal is for the worker, which needs the broker to its end.
                start_new_session=True,
            )
        except BaseException:
            self._close_pipe()
            raise
        finally:
            os.close(log)
            if reader is not None:
                os.close(reader)

    @property
    def owned(self) -> bool:
        """Say whether this process is the one that started the server."""
        return self._starter == os.getpid()

    def exit_code(self) -> int | None:
        """Return the exit code of an owned server, or None while it runs."""
        return self._process.poll()

    def end(self, timeout: float) -> None:
        """End an owned server: ask, so that it saves its data, and after *timeout* seconds kill."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                # The session is its own: this reaches the server behind a watcher too.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._close_pipe()

    def disown(self) -> None:
        """Let go of a server of the parent, in a forked child."""
        self._process.returncode = 0  # else Popen warns of a child that is none of ours
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


def kernel_ties() -> bool:
    """Say whether the kernel can tie a server to us: on Linux, from the main thread.

    The kernel's own word for the main thread is asked, since Python's is patched at times.
    """
    return (
        sys.platform == "linux"
        and threading.get_native_id() == os.getpid()
        and importlib.util.find_spec("_ctypes") is not None
    )
