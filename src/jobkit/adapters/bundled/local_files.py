"""Files in a folder of this machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from jobkit.adapters.files import check_name
from jobkit.errors import FileMissing

try:
    import fcntl
except ImportError:  # Windows, which refuses to remove a file that somebody has open.
    _LOCKS = False
else:
    _LOCKS = True

_PARTS = ".incomplete"


class LocalFiles:
    """Keep files in *folder*, on one machine or on a shared mount.

    Addresses are `file:` URIs, or lie under *base_url* where the host serves the folder. Either
    way they do not end: *expires* is ignored.
    """

    def __init__(self, folder: Path | str, *, base_url: str | None = None) -> None:
        self._folder = Path(folder).absolute()
        self._base_url = base_url

    @contextmanager
    def write(self, name: str) -> Iterator[BinaryIO]:
        """Open a new file for writing; it appears when the block ends without an error."""
        target = self._path(name)
        self._sweep()
        part, file = self._open_part()
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                target.parent.mkdir(parents=True, exist_ok=True)
                if _LOCKS:
                    # Still open, so that no sweep takes it for a leftover before it is in place.
                    part.replace(target)
            if not _LOCKS:
                part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        try:
            return self._path(name).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise FileMissing(f"no file is called {name!r}") from None

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(NotADirectoryError):
            self._path(name).unlink(missing_ok=True)

    def url(self, name: str, expires: timedelta | None = None) -> str:
        """Return the file's URI, or its address under *base_url*."""
        path = self._path(name)
        if self._base_url is None:
            return path.as_uri()
        return f"{self._base_url.rstrip('/')}/{quote(name)}"

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)

    def _open_part(self) -> tuple[Path, BinaryIO]:
        """Open a file that nobody sees yet, marked as being written."""
        folder = self._folder / _PARTS
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / secrets.token_hex(16)
            file = part.open("xb")
            if not _LOCKS:
                return part, file
            with suppress(OSError):  # Some network mounts have no locks, and then no sweeping.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if part.exists():
                return part, file
            file.close()  # Another process swept it up between its making and its lock.

    def _sweep(self) -> None:
        """Remove what writers left that were killed; a living writer holds a lock on its part."""
        for part in (self._folder / _PARTS).glob("*"):
            with suppress(OSError):
                if _LOCKS:
                    with part.open("rb") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        part.unlink()
                else:
                    part.unlink()


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut, where folders can be opened at all."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
