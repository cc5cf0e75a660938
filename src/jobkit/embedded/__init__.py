"""The server that comes along: a Valkey or Redis of one's own, for those who run none.

It listens on a Unix socket in a folder of its own, keeps its data there, is shared by the worker,
beat and the web process, and goes down with the process that started it. `binary` finds what to
run, `folder`, `address` and `record` keep the data folder, `process` and `watch` run the server,
and `server` joins them.
"""

from __future__ import annotations

from jobkit.embedded.binary import ServerBinary, find_server
from jobkit.embedded.server import EmbeddedServer, ensure_server

__all__ = ["EmbeddedServer", "ServerBinary", "ensure_server", "find_server"]
