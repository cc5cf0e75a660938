"""Logs: one format, the job in every line, and no private value in any."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import structlog

from jobkit.logs import configure_logging, get_logger, job_logging
from jobkit.payload import Payload
from jobkit.privacy import Redactor, Secret, private_values

HIDDEN = "hunter22-and-more"
library = logging.getLogger("some.library")


class Login(Payload):
    password: Secret[str]


LOGIN = Login(password=HIDDEN)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, factory = list(root.handlers), root.level, logging.getLogRecordFactory()
    hook, config = threading.excepthook, structlog.get_config()
    configured = structlog.is_configured()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLogRecordFactory(factory)
    logging.captureWarnings(False)
    threading.excepthook = hook
    structlog.reset_defaults()
    if configured:
        structlog.configure(**config)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(params=["console", "json"])
def output(request: pytest.FixtureRequest, stream: io.StringIO) -> Callable[[], str]:
    """Log to memory, in both formats, and return what was logged."""
    configure_logging(request.param, "DEBUG", stream=stream)
    return stream.getvalue


@pytest.fixture
def lines(stream: io.StringIO) -> Callable[[], list[dict[str, Any]]]:
    """Log to memory as JSON, and return the lines."""
    configure_logging("json", "INFO", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def a_job(redactor: Redactor | None = None, **fields: Any) -> Any:
    named: dict[str, Any] = {"job": "j1", "task": "a.b", "attempt": 1, "tenant": "b1"} | fields
    return job_logging(**named, redactor=redactor or Redactor(private_values(LOGIN)))


# --- What a line holds ---------------------------------------------------------------------------


def test_a_line_tells_when_how_grave_and_by_whom(lines: Callable[[], Any]) -> None:
    get_logger("jobkit.test").info("it happened", count=3)

    (line,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {"level": "info", "logger": "jobkit.test", "event": "it happened", "count": 3}


def test_a_library_looks_the_same(lines: Callable[[], Any]) -> None:
    library.warning("%d of %s", 3, "these")

    (line,) = lines()
    assert line.keys() == {"timestamp", "level", "logger", "event"}
    assert (line["level"], line["event"]) == ("warning", "3 of these")


def test_every_line_inside_of_a_job_names_it(lines: Callable[[], Any]) -> None:
    named = {"job": "j1", "task": "a.b", "attempt": 1, "tenant": "b1"}

    with a_job() as log:
        log.info("own")
        library.info("library")
        structlog.get_logger("host").info("structlog of the host")
    library.info("after")

    *inside, after = lines()
    assert len(inside) == 3
    assert all(line.items() >= named.items() for line in inside)
    assert not named.keys() & after.keys()


def test_a_job_without_a_tenant_names_none(lines: Callable[[], Any]) -> None:
    with a_job(tenant=None) as log:
        log.info("x")

    assert "tenant" not in lines()[0]


def test_the_logger_of_a_job_names_it_in_other_threads_too(lines: Callable[[], Any]) -> None:
    with a_job() as log, ThreadPoolExecutor(1) as pool:
        pool.submit(log.info, "x").result()

    assert lines()[0]["job"] == "j1"


def test_lines_under_the_level_are_left_out(lines: Callable[[], Any]) -> None:
    get_logger("jobkit.test").debug("x")
    library.debug("x")

    assert lines() == []


def test_a_field_cannot_pass_for_the_level_or_the_time(lines: Callable[[], Any]) -> None:
    get_logger("jobkit.test").info("x", level="critical", timestamp="never", logger="other")

    (line,) = lines()
    assert (line["level"], line["logger"]) == ("info", "jobkit.test")
    assert line["timestamp"] != "never"


def test_configuring_again_changes_the_format_and_doubles_nothing(stream: io.StringIO) -> None:
    configure_logging("console", "INFO", stream=stream)
    configure_logging("json", "INFO", stream=stream)

    library.info("once")

    assert json.loads(stream.getvalue())["event"] == "once"


def test_handlers_that_write_elsewhere_stay(stream: io.StringIO) -> None:
    class Elsewhere(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    seen: list[str] = []
    logging.getLogger().addHandler(Elsewhere())
    logging.getLogger().addHandler(logging.StreamHandler(doubled := io.StringIO()))

    configure_logging("json", "INFO", stream=stream)
    library.info("x")

    assert seen == ["x"]
    assert doubled.getvalue() == ""


def test_a_host_that_has_set_up_its_own_logging_gets_readable_lines(stream: io.StringIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)

    try:
        raise ValueError("so it is")
    except ValueError:
        get_logger("jobkit.test").exception("it failed", count=3)

    assert stream.getvalue().startswith("ERROR jobkit.test it failed count=3\nTraceback")
    assert stream.getvalue().rstrip().endswith("ValueError: so it is")


def test_warnings_and_failed_threads_become_lines(lines: Callable[[], Any]) -> None:
    def fail() -> None:
        raise ValueError(HIDDEN)

    with a_job(), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"deprecated {HIDDEN}", DeprecationWarning, stacklevel=1)
        thread = threading.Thread(target=fail, name="worker-7")
        thread.start()
        thread.join()

    warned, failed = lines()
    assert "deprecated [redacted]" in warned["event"]
    assert failed["event"] == "the thread worker-7 failed"
    assert "ValueError: [redacted]" in failed["exception"]


def test_importing_logs_does_not_import_structlog() -> None:
    code = (
        "import sys, jobkit.logs as logs; logs.get_logger('x'); print('structlog' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


# --- What no line holds --------------------------------------------------------------------------


class Opaque:
    def __repr__(self) -> str:
        return f"Opaque({HIDDEN})"


def in_the_event(log: Any) -> None:
    log.info(f"password is {HIDDEN}")


def in_a_field(log: Any) -> None:
    log.info("x", password=HIDDEN, nested={"a": [{"b": HIDDEN}, (HIDDEN,)]}, key={HIDDEN: 1})


def in_an_object(log: Any) -> None:
    log.info("x", model=LOGIN, dumped=LOGIN.model_dump(), opaque=Opaque(), kind={Opaque()})


def in_bound_fields(log: Any) -> None:
    log.bind(password=HIDDEN).info("x")


def in_a_context_variable(log: Any) -> None:
    with structlog.contextvars.bound_contextvars(password=HIDDEN, job=HIDDEN, level=HIDDEN):
        log.unbind("job").info("x")
        library.info("x")


def in_a_name_that_jobkit_uses(log: Any) -> None:
    log.info("x", job=HIDDEN, attempt=HIDDEN, timestamp=HIDDEN, exception=HIDDEN, stack=HIDDEN)


def in_arguments(log: Any) -> None:
    log.info("password is %s", HIDDEN)
    library.info("password is %s, %r", HIDDEN, Opaque())
    library.info("password is %(password)s", {"password": HIDDEN})


def in_arguments_cut_short(log: Any) -> None:
    library.info("password is %.9s...", HIDDEN)
    library.info(f"password is …{HIDDEN[-9:]}")


def in_arguments_that_do_not_fit(log: Any) -> None:
    library.info("password is %d", HIDDEN)
    library.info("password", HIDDEN)
    library.info(f"password {HIDDEN} %d", "x")


def in_an_exception(log: Any) -> None:
    try:
        raise ValueError(HIDDEN)
    except ValueError as error:
        log.exception("x")
        log.error("x", exc_info=error)
        library.exception("x")
        library.error("x", exc_info=error)


def in_chained_exceptions(log: Any) -> None:
    try:
        try:
            try:
                raise KeyError(HIDDEN)
            except KeyError as error:
                raise ValueError("cause") from error
        except ValueError:
            raise RuntimeError("context")  # noqa: B904
    except RuntimeError:
        log.exception("x")
        library.exception("x")


def in_a_group_of_exceptions(log: Any) -> None:
    error = ValueError("x")
    error.add_note(f"the password was {HIDDEN}")
    try:
        raise ExceptionGroup(HIDDEN, [error, ExceptionGroup("inner", [KeyError(HIDDEN)])])
    except ExceptionGroup:
        log.exception("x")
        library.exception("x")


def in_local_variables(log: Any) -> None:
    password = HIDDEN
    try:
        raise ValueError(len(password))
    except ValueError:
        log.exception("x", stack_info=True)
        library.exception("x", stack_info=True)


def in_a_thread_of_the_task(log: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(library.info, "%s", HIDDEN).result()
        pool.submit(log.info, HIDDEN).result()


def in_structlog_of_the_host(log: Any) -> None:
    structlog.get_logger("host").warning("x", password=HIDDEN)


@pytest.mark.parametrize(
    "leak",
    [
        in_the_event,
        in_a_field,
        in_an_object,
        in_bound_fields,
        in_a_context_variable,
        in_a_name_that_jobkit_uses,
        in_arguments,
        in_arguments_cut_short,
        in_arguments_that_do_not_fit,
        in_an_exception,
        in_chained_exceptions,
        in_a_group_of_exceptions,
        in_local_variables,
        in_a_thread_of_the_task,
        in_structlog_of_the_host,
    ],
)
def test_no_private_value_is_logged(
    leak: Callable[[Any], None], output: Callable[[], str], capfd: pytest.CaptureFixture[str]
) -> None:
    with a_job() as log:
        leak(log)

    assert output()
    captured = capfd.readouterr()
    for text in (output(), captured.out, captured.err):
        assert HIDDEN not in text
        assert HIDDEN[:9] not in text
        assert HIDDEN[-9:] not in text


@pytest.mark.parametrize(
    "leak", [in_the_event, in_a_field, in_arguments, in_an_exception, in_chained_exceptions]
)
def test_after_the_job_its_values_are_ordinary_again(
    leak: Callable[[Any], None], output: Callable[[], str]
) -> None:
    with a_job():
        pass

    leak(get_logger("jobkit.test"))

    assert HIDDEN in output()


def test_handlers_of_the_host_get_no_private_value(stream: io.StringIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(args)s"))
    library.addHandler(handler)
    configure_logging("json", "INFO", stream=io.StringIO())

    try:
        with a_job() as log:
            for leak in (in_arguments, in_an_exception, in_chained_exceptions, in_local_variables):
                leak(log)
    finally:
        library.removeHandler(handler)

    assert "[redacted]" in stream.getvalue()
    assert HIDDEN not in stream.getvalue()


def test_records_without_a_private_value_reach_the_host_as_they_are() -> None:
    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    seen: list[logging.LogRecord] = []
    library.addHandler(handler := Keeping())
    try:
        with a_job():
            library.warning("%d of %d", 1, 2)
            try:
                raise ValueError("harmless")
            except ValueError:
                library.exception("x")
    finally:
        library.removeHandler(handler)

    assert seen[0].args == (1, 2)
    assert seen[1].exc_info
    assert isinstance(seen[1].exc_info[1], ValueError)


def test_a_structlog_that_the_host_set_up_stays_and_is_redacted(stream: io.StringIO) -> None:
    structlog.configure(
        processors=[
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    configure_logging("console", "INFO", stream=io.StringIO())
    configure_logging("console", "INFO", stream=io.StringIO())

    with a_job():
        password = HIDDEN
        try:
            raise ValueError(password)
        except ValueError:
            structlog.get_logger().error("x", password=password, exc_info=True)

    assert json.loads(stream.getvalue())["password"] == "[redacted]"
    assert HIDDEN not in stream.getvalue()
    assert structlog.get_config()["processors"][-1].__class__.__name__ == "JSONRenderer"


def test_an_exception_that_a_renderer_of_the_host_would_format_is_redacted(
    stream: io.StringIO,
) -> None:
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(colors=False)],
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    configure_logging("console", "INFO", stream=io.StringIO())

    with a_job(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # structlog's, of a plain traceback
        try:
            raise ValueError(HIDDEN)
        except ValueError as error:
            structlog.get_logger().error("x", exc_info=error)
            structlog.get_logger().exception("x")

    assert stream.getvalue().count("ValueError: [redacted]") == 2
    assert HIDDEN not in stream.getvalue()


def test_a_private_number_does_not_hide_which_attempt_this_is(lines: Callable[[], Any]) -> None:
    with a_job(Redactor(["1", "2", "2026", "j1"])) as log:
        log.info("attempt 1", count=1)
        library.info("attempt 1")

    own, other = lines()
    assert (own["attempt"], own["count"], own["event"]) == (1, "[redacted]", "attempt [redacted]")
    assert (other["attempt"], other["job"], other["event"]) == (1, "j1", "attempt [redacted]")
    assert "redacted" not in own["timestamp"]


def test_a_tenant_that_is_private_is_redacted(lines: Callable[[], Any]) -> None:
    with a_job(Redactor(["ama@example.com"]), tenant="ama@example.com") as log:
        log.info("x")

    assert lines()[0]["tenant"] == "[redacted]"


def test_jobs_at_the_same_time_are_all_redacted(lines: Callable[[], Any]) -> None:
    with a_job(Redactor(["first"])) as first, a_job(Redactor(["second"])) as second:
        first.info("second")
        second.info("first")
        with a_job(Redactor(["first"])):
            pass
        second.info("first")

    assert [line["event"] for line in lines()] == ["[redacted]"] * 3


def test_a_line_that_cannot_be_written_is_told_without_its_values(
    lines: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    class Unprintable:
        def __repr__(self) -> str:
            raise RuntimeError(HIDDEN)

    root = logging.getLogger()  # pytest's handlers fail where a record cannot be formatted
    root.handlers[:] = [each for each in root.handlers if "jobkit" in type(each).__module__]
    library.info("x %s", Unprintable())
    get_logger("jobkit.test").info("x", password=HIDDEN, value=Unprintable())

    assert lines()[0]["event"] == "x %s (the arguments of this log line do not fit it)"
    assert capsys.readouterr().err == "a log line of jobkit.test is lost to RuntimeError\n"


def test_an_object_that_cannot_be_shown_does_not_fail_the_task(lines: Callable[[], Any]) -> None:
    class Unprintable:
        def __repr__(self) -> str:
            raise RuntimeError(HIDDEN)

    with a_job() as log:
        log.info("x", value=Unprintable())
        library.info("x %s", Unprintable())

    assert lines()[0]["value"] == "<unprintable Unprintable>"
    assert len(lines()) == 2


def test_a_job_that_fails_leaves_nothing_behind(lines: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="x"), a_job():
        raise ValueError("x")

    library.info(HIDDEN)

    (line,) = lines()
    assert line["event"] == HIDDEN
    assert "job" not in line
