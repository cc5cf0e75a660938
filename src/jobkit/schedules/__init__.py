"""When a task runs by itself."""

from jobkit.schedules.calendar import Calendar
from jobkit.schedules.cron import Cron
from jobkit.schedules.every import Every
from jobkit.schedules.policy import SchedulePolicy
from jobkit.schedules.schedule import Schedule

__all__ = ["Calendar", "Cron", "Every", "Schedule", "SchedulePolicy"]
