"""Files held in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO
from urllib.parse import quote

from jobkit.adapters.files import check_name
from jobkit.errors import FileMissing


class MemoryFiles:
    """Keep files in a dictionary that a test can look into."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    @contextmanager
    def write(self, name: str) -> Iterator[BinaryIO]:
        """Open a new file for writing; it appears when the block ends without an error."""
        check_name(name)
        file = io.BytesIO()
        yield file
        self.content[name] = file.getvalue()

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        try:
            return io.BytesIO(self.content[check_name(name)])
        except KeyError:
            raise FileMissing(f"no file is called {name!r}") from None

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        self.content.pop(check_name(name), None)

    def url(self, name: str, expires: timedelta | None = None) -> str:
        """Return a made-up address that never ends: *expires* is ignored."""
        return f"memory:///{quote(check_name(name))}"
