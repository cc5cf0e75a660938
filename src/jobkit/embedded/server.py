"""The embedded server: found, started once, shared, and started again when it is gone."""

from __future__ import annotations

import atexit
import os
import sys
import time
from pathlib import Path
from urllib.parse import quote

from jobkit.embedded.address import Answer, ask, settle_socket, socket_path
from jobkit.embedded.binary import ServerBinary, find_server
from jobkit.embedded.folder import DataFolder
from jobkit.embedded.lock import STEP, held, is_held
from jobkit.embedded.process import ServerProcess
from jobkit.embedded.record import admit
from jobkit.errors import EmbeddedServerError


class EmbeddedServer:
    """The server of one data folder, seen from one process.

    Any number of processes may have one for the same folder: the first `ensure` starts the server,
    the others attach. It dies with the process that started it, so the others call `ensure` again
    when the broker is gone; its data is kept. A folder is for the server alone: give it
    `data_dir / "broker"` rather than a folder with other things in it.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        binary: str | ServerBinary | None = None,
        *,
        start_timeout: float = 10.0,
    ) -> None:
        self._folder = DataFolder(data_dir)
        self._binary = binary
        self._start_timeout = start_timeout
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        """The broker URL, `redis+socket://` and the socket's path, quoted; no server need run.

        For a folder with a long path, read it after `ensure`: see `socket_path`.
        """
        return f"redis+socket://{quote(os.fsencode(self.socket))}"

    @property
    def socket(self) -> Path:
        """The socket's path, for clients that take no URL."""
        return socket_path(self._folder)

    @property
    def data_dir(self) -> Path:
        """The folder, resolved."""
        return self._folder.path

    @property
    def pid(self) -> int | None:
        """The pid of the server, whoever started it; None when none runs."""
        return self._folder.pid() if self.is_running() else None

    @property
    def owned(self) -> bool:
        """Whether this very process started the server, and it runs."""
        process = self._process
        return process is not None and process.owned and process.exit_code() is None

    def is_running(self) -> bool:
        """Say whether a server answers, whoever started it."""
        return ask(self.socket) is Answer.UP

    def ensure(self) -> bool:
        """See that the server runs: True when this process started it, False when it attached.

        May be called at any time and from any thread, and costs some 0.2 ms when the server runs.
        Raises EmbeddedServerError, with the end of the server's log when it did not start.
        """
        if sys.platform == "win32":
            find_server()  # raises, and says what to do instead
        deadline = time.monotonic() + self._start_timeout
        self._folder.prepare()
        with held(self._folder.start_lock, deadline):
            socket = settle_socket(self._folder)
            if not self._somebody_serves(socket, deadline):
                self._start(socket)
            return self.owned

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop the server if this process started it, and say whether it did.

        The server saves its data; after *timeout* seconds it is killed, which loses at most what
        the operating system had not written in the last second. Happens at exit by itself.
        """
        process = self._process
        if process is None or not process.owned:
            return False
        ran = process.exit_code() is None
        process.end(timeout)
        self._process = None
        atexit.unregister(self.stop)
        return ran

    def _somebody_serves(self, socket: Path, deadline: float) -> bool:
        """Say whether a server answers, waiting for one that is busy or going down."""
        while True:
            if ask(socket) is Answer.UP:
                return True
            if not is_held(self._folder.server_lock):
                return False
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"The embedded server of {self._folder.path} (pid {self._folder.pid()}) lives"
                    f" but does not answer on {socket}: end that process, and start again"
                )
            time.sleep(STEP)

    def _start(self, socket: Path) -> None:
        self._let_go()
        binary = self._binary
        if not isinstance(binary, ServerBinary):
            binary = find_server(binary)
        admit(self._folder, binary)
        socket.unlink(missing_ok=True)
        self._folder.pidfile.unlink(missing_ok=True)
        self._folder.turn_log()
        process = ServerProcess(_command(binary, socket, self._folder), self._folder)
        try:
            self._await_answer(socket, process)
        except BaseException:
            process.end(timeout=1.0)
            raise
        self._process = process
        atexit.register(self.stop)

    def _await_answer(self, socket: Path, process: ServerProcess) -> None:
        """Wait until *process* answers; one that is still loading has done so."""
        deadline = time.monotonic() + self._start_timeout
        while ask(socket) is not Answer.UP:
            code = process.exit_code()
            if code is None and time.monotonic() < deadline:
                time.sleep(STEP)
                continue
            reason = (
                f"it ended with code {code}"
                if code is not None
                else f"no answer in {self._start_timeout:g} s"
            )
            raise EmbeddedServerError(
                f"The embedded server did not start ({reason}). The end of {self._folder.log}:\n"
                f"{self._folder.log_tail()}\n"
                f"If the data is damaged, move {self._folder.path} away: jobs lie in the job store"
            )

    def _let_go(self) -> None:
        """Forget the process of a server that is gone, or that is our parent's."""
        if self._process is None:
            return
        if self._process.owned:
            self.stop(timeout=0)
        else:
            self._process.disown()
            self._process = None


def ensure_server(
    data_dir: str | os.PathLike[str], binary: str | ServerBinary | None = None
) -> EmbeddedServer:
    """Return the server of *data_dir*, running: started by this process, or attached to."""
    server = EmbeddedServer(data_dir, binary)
    server.ensure()
    return server


def _command(binary: ServerBinary, socket: Path, folder: DataFolder) -> list[str]:
    flags = {
        # No port: whoever may enter the folder may use the server, nobody else.
        "--port": "0",
        "--unixsocket": os.fspath(socket),
        "--unixsocketperm": "700",
        "--dir": os.fspath(folder.path),
        # The append-only file alone keeps the data, synchronised each second, readable as text.
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--aof-use-rdb-preamble": "no",
        "--save": "",
        # A broker must refuse rather than forget.
        "--maxmemory-policy": "noeviction",
        "--pidfile": os.fspath(folder.pidfile),
        "--logfile": os.fspath(folder.log),
        "--daemonize": "no",
    }
    return [binary.path, *(part for flag in flags.items() for part in flag)]
