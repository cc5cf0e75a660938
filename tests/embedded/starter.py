"""A program with an embedded server, told by lines what to do; it answers in lines of JSON."""

from __future__ import annotations

import json
import os
import sys
import threading

from jobkit.embedded import EmbeddedServer
from jobkit.errors import EmbeddedServerError

server = EmbeddedServer(sys.argv[1], sys.argv[2])


def answer(value: object) -> None:
    print(json.dumps(value), flush=True)


def ensure() -> None:
    try:
        answer({"started": server.ensure(), "pid": server.pid, "url": server.url})
    except EmbeddedServerError as error:
        answer({"error": error.message})


def ensure_in_thread() -> None:
    """Start from a thread that ends before we go on."""
    thread = threading.Thread(target=ensure)
    thread.start()
    thread.join()


def fork_and_exit() -> None:
    """Fork a child that tries to stop the server and then leaves through its atexit functions."""
    child = os.fork()
    if child == 0:
        server.stop()
        sys.exit(0)
    answer({"exit": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])})


def fork_and_stay() -> None:
    """Fork a child that outlives us, answers when the server is gone, and has one of its own."""
    child = os.fork()
    if child:
        answer({"child": child})
        return
    while server.is_running():
        pass
    ensure()
    sys.stdin.readline()
    sys.exit(0)


for line in sys.stdin:
    {
        "ensure": ensure,
        "ensure in thread": ensure_in_thread,
        "fork and exit": fork_and_exit,
        "fork and stay": fork_and_stay,
        "stop": lambda: answer({"stopped": server.stop()}),
    }[line.strip()]()
