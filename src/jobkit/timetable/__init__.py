"""The schedules of one application: declared and stored, made into jobs, and watched."""

from jobkit.timetable.timetable import NextRun, Timetable
from jobkit.timetable.watching import MissingRun

__all__ = ["MissingRun", "NextRun", "Timetable"]
