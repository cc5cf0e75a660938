"""The heartbeat: one row that says this worker lives, renewed by its main process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from jobkit._celery.board import Board
from jobkit.store import workers
from jobkit.store.database import Database
from jobkit.store.workers import WorkerRow


@dataclass
class Heart:
    """Renew the row of one worker incarnation. Its jobs are rescued when the row has expired."""

    database: Database
    row: WorkerRow
    board: Board
    lease: float
    quiet: Callable[[], bool]

    def register(self) -> None:
        """Write the row."""
        now = self.database.clock.now()
        row = replace(self.row, queues=tuple(self.board.queues()), quiet=self.quiet())
        self.database.write(lambda conn: workers.register(conn, row, now, self.lease))

    def beat(self) -> None:
        """Renew the row, or write it anew if somebody swept it away."""
        now = self.database.clock.now()
        busy = sum(1 for seen in self.board.look() if seen.active)
        alive = self.database.write(
            lambda conn: workers.beat(
                conn,
                self.row.id,
                busy=busy,
                quiet=self.quiet(),
                queues=tuple(self.board.queues()),
                now=now,
                lease=self.lease,
            )
        )
        if not alive:
            self.register()

    def stop(self) -> None:
        """Remove the row."""
        self.database.write(lambda conn: workers.remove(conn, self.row.id))


def worker_row(worker_id: str, name: str, pool: str, concurrency: int, now: datetime) -> WorkerRow:
    """Return the row that describes this process."""
    return WorkerRow(
        id=worker_id,
        name=name,
        host=socket.gethostname(),
        pid=os.getpid(),
        pool=pool,
        concurrency=concurrency,
        queues=(),
        busy=0,
        quiet=False,
        started_at=now,
        heartbeat_at=now,
        expires_at=now,
    )
