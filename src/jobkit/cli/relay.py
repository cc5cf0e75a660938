"""The lines of several processes in one stream, each saying whose it is."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from typing import IO, TextIO

_COLORS = ("36", "35", "33", "32", "34")


class Relay:
    """Pass lines on under the name of the process that wrote them.

    JSON lines get a field `process`, so that they stay JSON; others get a prefix.
    """

    def __init__(self, *, as_json: bool, stream: TextIO | None = None) -> None:
        self._as_json = as_json
        self._stream = stream or sys.stderr
        self._colored = self._stream.isatty()
        self._names: list[str] = []
        self._lock = threading.Lock()

    def follow(self, name: str, output: IO[str]) -> threading.Thread:
        """Pass on what comes from *output* until it ends, in a thread of its own."""
        thread = threading.Thread(
            target=self._pass_on, args=(name, output), name=f"jobkit-relay-{name}", daemon=True
        )
        thread.start()
        return thread

    def write(self, name: str, line: str) -> None:
        """Pass on one line."""
        text = _with_name(name, line) if self._as_json else f"{self._prefix(name)} {line}"
        # A reader that has gone away must not hold up those who write.
        with self._lock, suppress(OSError):
            self._stream.write(text + "\n")
            self._stream.flush()

    def _pass_on(self, name: str, output: IO[str]) -> None:
        for line in output:
            self.write(name, line.rstrip("\n"))

    def _prefix(self, name: str) -> str:
        if name not in self._names:
            self._names.append(name)
        text = f"{name:<9}|"
        if not self._colored:
            return text
        color = _COLORS[self._names.index(name) % len(_COLORS)]
        return f"\x1b[{color}m{text}\x1b[0m"


def _with_name(name: str, line: str) -> str:
    try:
        event = json.loads(line)
    except ValueError:
        event = line
    if not isinstance(event, dict):
        event = {"event": line}
    return json.dumps({**event, "process": name}, ensure_ascii=False)
