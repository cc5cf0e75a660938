"""A host that saves an order and enqueues a job in one transaction; how it ends is its argument."""

from __future__ import annotations

import os
import signal
import sys

import engine_app
from sqlalchemy import create_engine, text

from jobkit.store.drivers import normalise

jobs = engine_app.jobs


def killed(queue: str, times: int) -> None:
    """Die between the commit and the ring."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    how = sys.argv[1]
    jobs.start()
    if how == "killed":
        jobs._ringer = killed
    engine = create_engine(normalise(jobs.settings.store))
    with engine.connect() as conn:
        conn.execute(text("INSERT INTO shop_orders VALUES (7)"))
        handle = jobs.enqueue("engine.record", note=how, connection=conn)
        print(handle.id, flush=True)
        if how == "rolled-back":
            conn.rollback()
        else:
            conn.commit()
    jobs.close()
