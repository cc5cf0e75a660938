"""Logs: one format for jobkit, the host and its libraries, with private values taken out.

Importing this does not import structlog, which takes a while; the first line logged does.
"""

from jobkit.logs.loggers import get_logger, job_logging
from jobkit.logs.output import configure_logging

__all__ = ["configure_logging", "get_logger", "job_logging"]
