"""The address: where the server's socket lies, also when its folder's path is too long for one."""

from __future__ import annotations

import contextlib
import enum
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jobkit.embedded.folder import DataFolder, make_private
from jobkit.errors import EmbeddedServerError

LONGEST = 103
"""Bytes of a socket's path. Linux takes 107 and macOS 103; one limit gives one rule."""


class Answer(enum.Enum):
    """What a PING on the socket brought."""

    UP = "up"
    """It answered, perhaps that it is loading or that its disk is full: a server runs."""
    SILENT = "silent"
    """Something listens and says nothing: a server that is busy, stopped, or going down."""
    NOBODY = "nobody"


def socket_path(folder: DataFolder) -> Path:
    """Return where the socket of *folder* lies or will lie; touches nothing.

    A folder with a long path has its socket in a short runtime folder. Which one depends on the
    environment (XDG_RUNTIME_DIR, TMPDIR), so the first start writes its choice into the folder, and
    processes with another environment then find the same.
    """
    direct = folder.path / "broker.sock"
    if _fits(direct):
        return direct
    return next(_far_sockets(folder))


def settle_socket(folder: DataFolder) -> Path:
    """Return where the socket lies, and see to the runtime folder of a long path.

    Call it with the start lock held. Raises EmbeddedServerError when no runtime folder will do.
    """
    direct = folder.path / "broker.sock"
    if _fits(direct):
        return direct
    refused = []
    for path in _far_sockets(folder):
        if not _fits(path):
            refused.append(f"{path.parent} is too long")
            continue
        try:
            make_private(path.parent)
        except EmbeddedServerError as error:
            refused.append(error.message)
            continue
        if _recorded(folder) != path:
            folder.address.write_bytes(os.fsencode(path))
        return path
    raise EmbeddedServerError(
        f"{folder.path} is too long for a socket, and no runtime folder will do"
        f" ({'; '.join(refused)}). Set XDG_RUNTIME_DIR to a short folder of this user,"
        " or choose a shorter data folder"
    )


def ask(path: Path, timeout: float = 1.0) -> Answer:
    """PING the socket at *path*.

    Any reply means a server, `-LOADING` and `-MISCONF` too: a second one would not be better off.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            line.connect(os.fspath(path))
            line.sendall(b"PING\r\n")
            return Answer.UP if line.recv(1) in (b"+", b"-") else Answer.SILENT
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        return Answer.NOBODY
    except (TimeoutError, BlockingIOError, ConnectionResetError, BrokenPipeError):
        return Answer.SILENT
    except OSError:
        # A path that is too long, or one that we may not enter.
        return Answer.NOBODY


def _far_sockets(folder: DataFolder) -> Iterator[Path]:
    """Yield the possible sockets of a long folder, the recorded one first."""
    if (recorded := _recorded(folder)) is not None:
        yield recorded
    temporary = Path(tempfile.gettempdir()).resolve() / f"jobkit-{os.geteuid()}"
    runtime = _runtime_folder()
    choices = [*([runtime / "jobkit"] if runtime else []), temporary]
    fitting = [path / _name(folder) for path in choices if _fits(path / _name(folder))]
    # Where even the temporary folder's path is too long, `settle_socket` says so.
    yield from fitting or [temporary / _name(folder)]


def _runtime_folder() -> Path | None:
    """Return XDG_RUNTIME_DIR where it is this user's; sudo leaves another's behind."""
    path = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    with contextlib.suppress(OSError):
        if path.is_absolute() and path.stat().st_uid == os.geteuid():
            return path.resolve()
    return None


def _recorded(folder: DataFolder) -> Path | None:
    with contextlib.suppress(OSError):
        path = Path(os.fsdecode(folder.address.read_bytes()))
        # A copied folder brings the address of its origin along.
        if path.is_absolute() and path.name == _name(folder):
            return path
    return None


def _name(folder: DataFolder) -> str:
    return f"{hashlib.sha256(os.fsencode(folder.path)).hexdigest()[:16]}.sock"


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST
