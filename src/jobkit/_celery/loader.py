"""How a worker or a beat of jobkit's own Celery application begins."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from celery.loaders.app import AppLoader

from jobkit._celery.doorbell import DOORBELL

if TYPE_CHECKING:
    from jobkit._celery.runtime import Runtime


class JobkitLoader(AppLoader):
    """Be told by Celery when its program begins, whichever command line started it."""

    def on_worker_init(self) -> None:
        """Make the process a program of jobkit's, as it is when jobkit starts it."""
        runtime: Runtime = self.app.tasks[DOORBELL].runtime
        # Celery warns of root for the sake of pickled messages, and only JSON is read here.
        warnings.filterwarnings("ignore", "You're running the worker with superuser")
        runtime.take_over()
