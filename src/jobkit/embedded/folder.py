"""The data folder: what lies where in it, and that nobody else looks in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jobkit.errors import EmbeddedServerError


class DataFolder:
    """The folder of one embedded server, and of nothing else.

    Two spellings of a folder are one folder: the path is resolved, links included.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().resolve()
        self.start_lock = self.path / "start.lock"
        """Held while somebody looks whether a server runs, and starts one."""
        self.server_lock = self.path / "server.lock"
        """Held by the server itself as long as it lives, whatever becomes of its pid."""
        self.record = self.path / "server.json"
        self.address = self.path / "broker.address"
        self.log = self.path / "broker.log"
        self.pidfile = self.path / "broker.pid"

    def prepare(self) -> None:
        """Make the folder, or check that it is ours and closed to others.

        A folder with other things in it is never closed: it may be the host's project.
        """
        make_private(self.path, narrow=self._is_ours_alone())

    def has_data(self) -> bool:
        """Say whether a server has written here what another might misread."""
        written = (
            *self.path.glob("appendonlydir/*.aof"),
            *self.path.glob("appendonlydir/*.rdb"),
            *self.path.glob("*.aof"),
            *self.path.glob("*.rdb"),
        )
        return any(file.stat().st_size for file in written)

    def pid(self) -> int | None:
        """Return the pid that the server wrote down; one that was killed leaves its own behind."""
        try:
            return int(self.pidfile.read_text())
        except (OSError, ValueError):
            return None

    def turn_log(self) -> None:
        """Begin a new log and keep the one before, so that a log tells of one start."""
        if self.log.exists():
            os.replace(self.log, self.log.with_name("broker.log.1"))

    def log_tail(self, lines: int = 15) -> str:
        """Return the last *lines* of the log, for an error that shows why."""
        try:
            text = self.log.read_bytes()[-8192:].decode(errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"

    def _is_ours_alone(self) -> bool:
        try:
            return self.start_lock.exists() or not any(self.path.iterdir())
        except OSError:
            return False


def make_private(path: Path, *, narrow: bool = True) -> None:
    """Make the folder *path* with mode 0700, or check one that exists.

    One that is open to others is narrowed when *narrow* says so. Raises EmbeddedServerError for a
    folder of somebody else, or one that cannot be had.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise EmbeddedServerError(f"{path} is a link: name the folder itself")
        if found.st_uid != os.geteuid():
            raise EmbeddedServerError(
                f"{path} belongs to user {found.st_uid} and this process runs as {os.geteuid()}:"
                " choose a folder of this user, for example a new one inside it"
            )
        if not stat.S_IMODE(found.st_mode) & 0o077:
            return
        if not narrow:
            raise EmbeddedServerError(
                f"{path} holds other files and is open to others:"
                " give the embedded server a folder of its own"
            )
        path.chmod(0o700)
        if stat.S_IMODE(path.lstat().st_mode) & 0o077:
            raise EmbeddedServerError(
                f"{path} cannot be closed to others, its file system keeps no permissions:"
                " choose a folder on a local disk"
            )
    except OSError as error:
        raise EmbeddedServerError(f"{path} cannot be used: {error}") from error
