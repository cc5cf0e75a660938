"""The demonstration itself: open the shop, enqueue, watch, and tell what came of it."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from jobkit.demo.acts import enqueue
from jobkit.demo.installation import Installation
from jobkit.demo.shop import open_shop
from jobkit.demo.telling import tell
from jobkit.demo.watching import watch

_TURN = 0.2


def show(folder: Path, console: Console, *, stay: bool) -> int:
    """Show jobkit at work in *folder*; returns 0 if everything came out as it should.

    With *stay* it goes on until Ctrl-C, so that one can look around.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = open_shop(folder)
    try:
        with Installation(folder) as installation:
            console.print(f"A shop opens in {folder}", soft_wrap=True)
            acts = enqueue(jobs) if installation.await_worker(jobs) else []
            ended = bool(acts) and watch(acts, lambda: installation.runs, console)
            code = 0 if ended and tell(acts, folder, console) else 1
            if not ended:
                console.print(f"It did not work out. The end of {installation.log}:")
                console.print(installation.last_lines())
            elif stay:
                code = look_around(installation, console, code)
        return code
    finally:
        jobs.close()


def look_around(installation: Installation, console: Console, code: int) -> int:
    """Wait for Ctrl-C while the processes run."""
    console.print("\nThe worker is still there: try these in another terminal. Ctrl-C ends it.")
    try:
        while installation.runs:
            time.sleep(_TURN)
    except KeyboardInterrupt:
        return code
    console.print(f"It ended by itself. The end of {installation.log}:")
    console.print(installation.last_lines())
    return 1
