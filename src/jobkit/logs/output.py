"""Where the logs of jobkit's own processes go, and what they look like there."""

from __future__ import annotations

import copy
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from jobkit.logs.loggers import processors
from jobkit.logs.redacting import Event, message_of, redact_event, redact_records


def configure_logging(
    format: Literal["console", "json"], level: str, *, stream: TextIO | None = None
) -> None:
    """Send the logs of this process, libraries' included, to *stream* in one format.

    For processes that are jobkit's own, such as a worker; *stream* is standard error if not given.
    Calling it again changes the format. Handlers that write to files or elsewhere stay, and so
    does a host's own structlog configuration, with redaction added to it. Warnings and failures
    of threads become log lines.
    """
    root = logging.getLogger()
    for old in list(root.handlers):
        if type(old) in (logging.StreamHandler, _Handler):
            root.removeHandler(old)
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_formatter(format, colors=handler.stream.isatty()))
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
    threading.excepthook = _log_failed_thread
    redact_records()
    _configure_structlog()


class _Handler(logging.StreamHandler[TextIO]):
    def format(self, record: logging.LogRecord) -> str:
        if record.args and not isinstance(record.msg, dict):
            record = copy.copy(record)  # other handlers may want the arguments
            record.msg, record.args = message_of(record), ()
        return super().format(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line is lost. The standard library would print the record's arguments."""
        if logging.raiseExceptions and sys.stderr:
            error = sys.exc_info()[0]
            name = error.__name__ if error else "an error"
            sys.stderr.write(f"a log line of {record.name} is lost to {name}\n")


def _formatter(format: str, *, colors: bool) -> logging.Formatter:
    from structlog.contextvars import merge_contextvars
    from structlog.dev import ConsoleRenderer, plain_traceback
    from structlog.processors import JSONRenderer
    from structlog.stdlib import ProcessorFormatter

    return ProcessorFormatter(
        foreign_pre_chain=[merge_contextvars, _keep_exception_text],
        processors=[
            _describe_record,
            JSONRenderer(default=str, ensure_ascii=False)
            if format == "json"
            # Plain: rich tracebacks show local variables.
            else ConsoleRenderer(colors=colors, exception_formatter=plain_traceback),
        ],
    )


def _keep_exception_text(logger: Any, method: str, event: Event) -> Event:
    """Take over the text of an exception that redaction has left in place of the exception."""
    record: logging.LogRecord = event["_record"]
    if record.exc_text and not record.exc_info:
        event["exception"] = record.exc_text
    return event


def _describe_record(logger: Any, method: str, event: Event) -> Event:
    """Redact an event, and put in front when, how grave and by whom it was logged."""
    from structlog.processors import format_exc_info

    record: logging.LogRecord = event.pop("_record")
    del event["_from_structlog"]
    moment = datetime.fromtimestamp(record.created, UTC)
    described = {
        "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    # Redacted first: a private number must not eat into the time.
    event = redact_event(logger, method, format_exc_info(logger, method, event))
    return {**described, "event": event.get("event", ""), **event, **described}


def _log_failed_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None:
        return
    name = args.thread.name if args.thread else "?"
    logging.getLogger("jobkit.threads").error(
        "the thread %s failed", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
    )


def _configure_structlog() -> None:
    """Send a host's structlog loggers the same way, or redact them where it has its own."""
    import structlog

    if not structlog.is_configured():
        structlog.configure(
            processors=processors(),
            wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
            logger_factory=structlog.stdlib.LoggerFactory(),
            cache_logger_on_first_use=False,
        )
        return
    config = structlog.get_config()
    *first, last = config["processors"]
    if redact_event not in first:
        structlog.configure(**{**config, "processors": [*first, redact_event, last]})
