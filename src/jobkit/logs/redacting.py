"""Taking the private values of running jobs out of everything this process logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

Event = MutableMapping[str, Any]


class Redacts(Protocol):
    """Take private values out; `jobkit.privacy.Redactor` does."""

    def redact(self, text: str) -> str:
        """Return *text* without private values."""
        ...

    def redact_data(self, data: Any) -> Any:
        """Return *data* without private values."""
        ...


# Of the whole process rather than of a context: threads that a task starts log without its
# context. A plain dictionary needs no lock for single operations, nor care at a fork.
_active: dict[object, Redacts] = {}

_named: ContextVar[Mapping[str, Any] | None] = ContextVar("jobkit_named", default=None)


class EventText(dict[str, Any]):
    """Carry a redacted event in a log record, readable by any formatter."""

    def __str__(self) -> str:
        aside = ("event", "exception", "stack", "exc_info")
        pairs = [f"{key}={value!r}" for key, value in self.items() if key not in aside]
        below = [self[key] for key in ("stack", "exception") if key in self]
        return "\n".join([" ".join([str(self.get("event", "")), *pairs]), *map(str, below)])


@contextmanager
def redacting(redactor: Redacts, named: Mapping[str, Any]) -> Iterator[None]:
    """Redact all logs inside of the block, but for the values of *named*, which are jobkit's."""
    key = object()
    _active[key] = redactor
    token = _named.set(named)
    try:
        yield
    finally:
        _named.reset(token)
        del _active[key]


def redact_event(logger: Any, method: str, event: Event) -> Event:
    """Redact an event, its exception included; a structlog processor."""
    if not _active:
        return event
    from structlog.processors import format_exc_info

    event = format_exc_info(logger, method, event)
    # A private number 1 must not hide that this is attempt 1.
    kept = {key: value for key, value in (_named.get() or {}).items() if event.get(key) == value}
    return {**_redacted_data(dict(event)), **kept}


def redact_records() -> None:
    """Redact the records of the standard library's loggers, whichever handlers they go to."""
    current = logging.getLogRecordFactory()
    if not isinstance(current, _RedactingFactory):
        logging.setLogRecordFactory(_RedactingFactory(current))


class _RedactingFactory:
    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        if _active and not isinstance(record.msg, EventText):
            _redact_record(record)
        return record


def _redact_record(record: logging.LogRecord) -> None:
    """Redact *record* in place; one without private values stays as it is."""
    if isinstance(record.msg, dict):  # from a structlog of the host
        record.msg = _redacted_data(record.msg)
    else:
        text = message_of(record)
        clean = _redacted(text)
        # Arguments that the message shows in part, or not at all, may be shown by a handler.
        if clean != text or (record.args and not _is_clean(record.args)):
            record.msg, record.args = clean, ()
    if record.exc_info:
        text = logging.Formatter().formatException(record.exc_info)
        if (clean := _redacted(text)) != text:
            # As `QueueHandler.prepare` leaves it, so formatters know how to go on.
            record.exc_info, record.exc_text = None, clean
    if record.stack_info:
        record.stack_info = _redacted(record.stack_info)


def _is_clean(args: Any) -> bool:
    try:
        shown = repr(args)
    except Exception:
        return False
    return _redacted(shown) == shown


def message_of(record: logging.LogRecord) -> str:
    """Return the message of *record*, without its arguments where they do not fit.

    The standard library would print the arguments in an error of its own.
    """
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} (the arguments of this log line do not fit it)"


def _redacted(text: str) -> str:
    for redactor in list(_active.values()):
        text = redactor.redact(text)
    return text


def _redacted_data(data: Any) -> Any:
    for redactor in list(_active.values()):
        data = redactor.redact_data(data)
    return data
