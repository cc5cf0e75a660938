"""Loggers: by name, and the one of a running job."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from jobkit.logs.redacting import Event, EventText, Redacts, redact_event, redact_records, redacting

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a structured logger on top of the standard library's logger of this name.

    In a process that never calls `configure_logging`, such as a host's web server, the lines go
    where the host has set its logging up to go.
    """
    return cast("FilteringBoundLogger", _LateLogger(name))


@contextmanager
def job_logging(
    *, job: str, task: str, attempt: int, tenant: str | None, redactor: Redacts
) -> Iterator[FilteringBoundLogger]:
    """Name the job in every log inside of the block, and take its private values out of them.

    Yields the job's own logger, which names the job in other threads too.
    """
    from structlog.contextvars import bound_contextvars

    named: dict[str, Any] = {"job": job, "task": task, "attempt": attempt}
    tenants = {} if tenant is None else {"tenant": tenant}
    redact_records()
    # The tenant is redacted like the rest: it may be a person's address.
    with redacting(redactor, named), bound_contextvars(**named, **tenants):
        yield get_logger("jobkit.job").bind(**named, **tenants)


class _LateLogger:
    """Stand in for a logger until something is logged."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(_logger(self._name), attribute)


@cache
def _logger(name: str) -> Any:
    import structlog

    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=processors(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        context_class=dict,
        cache_logger_on_first_use=False,
    )


def processors() -> list[Processor]:
    """Return what an event goes through on its way into a log record."""
    from structlog.contextvars import merge_contextvars
    from structlog.processors import StackInfoRenderer
    from structlog.stdlib import filter_by_level

    return [filter_by_level, merge_contextvars, StackInfoRenderer(), redact_event, _hand_over]


def _hand_over(logger: Any, method: str, event: Event) -> tuple[tuple[EventText], dict[str, Any]]:
    # The attributes by which structlog's ProcessorFormatter knows its own.
    extra = {"_logger": logger, "_name": method}
    return (EventText(event),), {"extra": extra, "exc_info": event.get("exc_info")}
