"""When a task runs by itself."""

from jobkit.schedules.cron import Cron
from jobkit.schedules.every import Every
from jobkit.schedules.schedule import Schedule

__all__ = ["Cron", "Every", "Schedule"]
