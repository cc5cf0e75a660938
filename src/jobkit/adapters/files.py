"""Files that jobs make: where they are kept, and how they are handed out."""

from __future__ import annotations

import hashlib
import io
import unicodedata
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import BinaryIO, Protocol

from typing_extensions import Buffer

from jobkit.errors import PermanentError
from jobkit.payload import Result


class StoredFile(Result):
    """Tell of a file that a job has stored."""

    name: str
    """Its name in the file storage."""

    size: int
    """In bytes."""

    media_type: str
    url: str
    """Where it can be downloaded, for as long as the storage's addresses last."""

    sha256: str


class FileStorage(Protocol):
    """Keep files under names such as `reports/acme/sales.pdf`; `check_name` says which are fit."""

    def write(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a new file for writing, as a context manager.

        It appears under its *name* when the block ends, whole, in place of an earlier file of
        this name. When the block raises, nothing appears and an earlier file stays as it was.
        Callers write from the beginning to the end: the handle need not seek.
        """
        ...

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading. Raises `FileMissing`."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        ...

    def url(self, name: str, expires: timedelta | None = None) -> str:
        """Return where a file can be downloaded, also before it is written.

        The address works for the time *expires*, or for as long as the storage allows. A storage
        whose addresses do not end says so in its documentation.
        """
        ...


class Measured(io.RawIOBase):
    """Pass what is written on to a file of the storage, and take its size and checksum."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Return the checksum of everything written so far, in hexadecimal."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Answer yes; it neither reads nor seeks, so that the checksum holds."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write bytes and return their number."""
        content = bytes(data)
        self._file.write(content)
        self._hash.update(content)
        self.size += len(content)
        return len(content)


def check_name(name: str) -> str:
    """Return *name* if every storage can keep a file under it; raise `PermanentError` if not.

    Parts are joined by `/`. None is empty, begins or ends with a dot or a space, is over 255 bytes,
    or holds a control character or one of `\\:*?"<>|`.
    """
    for part in name.split("/"):
        if (
            not part
            or part != part.strip(" .")
            or any(character in '\\:*?"<>|' or _unseen(character) for character in part)
            or len(part.encode("utf-8", "replace")) > 255
        ):
            raise PermanentError(f"{name!r} is no name for a stored file: look at {part!r}")
    return name


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
