"""Remote control: `celery inspect jobs`, and `celery control quiet` before a deploy."""

from __future__ import annotations

import time
from typing import Any

from celery.worker.control import control_command, inspect_command

from jobkit._celery.doorbell import DOORBELL
from jobkit._celery.stopping import go_quiet


@inspect_command(name="jobs", default_timeout=1.0)
def jobs(state: Any, **_: Any) -> list[dict[str, Any]]:
    """List the jobs that this worker runs now."""
    runtime = state.app.tasks[DOORBELL].runtime
    if runtime.board is None:
        return []
    now = time.monotonic()
    return [
        {
            "id": seen.job,
            "task": seen.task,
            "pid": seen.pid,
            "running_for": round(now - seen.since, 3),
        }
        for seen in runtime.board.look()
        if seen.active
    ]


@control_command(name="quiet", default_timeout=1.0)
def quiet(state: Any, **_: Any) -> dict[str, str]:
    """Let this worker finish what it runs and take nothing new."""
    go_quiet(state.app.tasks[DOORBELL].runtime, state.consumer)
    return {"ok": "this worker is quiet"}
