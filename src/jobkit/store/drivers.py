"""Making an engine for each kind of database."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import QueuePool

from jobkit.errors import ConfigurationError, MissingExtra
from jobkit.store.filesystems import refuse_network

_DRIVERS = {
    "postgresql": "psycopg",
    "postgres": "psycopg",
    "mysql": "pymysql",
    "mariadb": "pymysql",
}
_EXTRAS = {"psycopg": "postgres", "pymysql": "mysql"}
_RECYCLE = 1800
"""Seconds after which a connection is replaced: below what firewalls and servers allow."""

_IDLE = 2.0
"""Seconds after which a pooled connection is not trusted without a ping."""


def normalise(url: str) -> URL:
    """Return *url* with its driver. Raises `ConfigurationError` for one that is none of ours."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text may hold a password: it is not repeated.
        raise ConfigurationError(
            "JOBKIT_STORE_URL is no SQLAlchemy URL such as postgresql://user:password@host/name"
        ) from None
    backend, _, driver = parsed.drivername.partition("+")
    if backend == "sqlite":
        return parsed
    if backend not in _DRIVERS:
        raise ConfigurationError(
            f"jobkit keeps jobs in SQLite, PostgreSQL, MariaDB or MySQL, not in {backend}"
        )
    driver = driver or _DRIVERS[backend]
    if driver in _EXTRAS and not find_spec(driver):
        raise MissingExtra(_EXTRAS[driver], driver)
    # The dialect named mysql speaks to both servers; two names would be two sets of options.
    backend = {"postgres": "postgresql", "mariadb": "mysql"}.get(backend, backend)
    return parsed.set(drivername=f"{backend}+{driver}")


def in_memory(url: URL) -> bool:
    """Tell whether *url* names a SQLite database without a file."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def build_engine(url: URL, *, pool_size: int, timeout: float) -> Engine:
    """Return an engine that holds at most *pool_size* connections.

    *timeout*, in seconds, bounds the wait for a connection, a lock and the network.
    """
    options: dict[str, Any] = {
        "poolclass": QueuePool,
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": timeout,
        # The last one used is the next one used: what is not needed grows old and is replaced.
        "pool_use_lifo": True,
        # Every transaction is ended by Database itself; a rollback more is a round trip more.
        "pool_reset_on_return": None,
        # Errors must not quote payloads.
        "hide_parameters": True,
    }
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url, timeout, options)
        case "postgresql":
            return _postgresql(url, timeout, options)
        case _:
            return _mysql(url, timeout, options)


def _sqlite(url: URL, timeout: float, options: dict[str, Any]) -> Engine:
    if in_memory(url):
        # Each connection would be a database of its own.
        options |= {"pool_size": 1}
    else:
        path = Path(str(url.database))
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the folder of the job store, {path.parent}, cannot be made: {error.strerror}"
            ) from error
        refuse_network(path)
    arguments = {"timeout": timeout, "check_same_thread": False, "isolation_level": None}
    engine = create_engine(url, connect_args=arguments, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        if not in_memory(url):
            _switch_to_wal(connection, timeout)
        # FULL: an outcome that was committed survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def _switch_to_wal(connection: sqlite3.Connection, timeout: float) -> None:
    """Turn on write-ahead logging, so that readers and the writer do not wait for each other.

    SQLite does not wait here by itself when another process makes the switch at the same moment.
    """
    ends = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (5, 6) or time.monotonic() > ends:
                raise
        time.sleep(0.01)


def _postgresql(url: URL, timeout: float, options: dict[str, Any]) -> Engine:
    seconds = max(1, math.ceil(timeout))
    arguments = {
        "connect_timeout": min(10, seconds),
        "keepalives_idle": seconds,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": seconds * 1000,
    }
    if url.get_driver_name() == "psycopg":
        # Jobkit's statements are few and run often: each is prepared at its second use.
        arguments["prepare_threshold"] = 1
    arguments |= _unless_given(arguments, url)
    engine = _create(url, arguments, options)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(
                f"SELECT set_config('lock_timeout', '{int(timeout * 1000)}', false), "
                "set_config('timezone', 'UTC', false)"
            )
        connection.commit()

    return engine


def _mysql(url: URL, timeout: float, options: dict[str, Any]) -> Engine:
    seconds = max(1, math.ceil(timeout))
    arguments = {
        "connect_timeout": min(10, seconds),
        # The server reports a lock that takes too long before the network is given up.
        "read_timeout": seconds + 5,
        "write_timeout": seconds + 5,
        "charset": "utf8mb4",
        "init_command": "SET SESSION time_zone = '+00:00', "
        f"innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}",
    }
    if url.get_driver_name() != "pymysql":
        arguments = {}
    return _create(url, _unless_given(arguments, url), options)


def _check_idle(engine: Engine) -> None:
    """Look after a connection that lay idle before it is used: its server may have restarted."""

    @event.listens_for(engine, "checkin")
    def put_down(_: object, record: Any) -> None:
        record.info["idle since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def pick_up(connection: Any, record: Any, _: object) -> None:
        if time.monotonic() - record.info.get("idle since", math.inf) < _IDLE:
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError from error
        if not alive:
            raise DisconnectionError


def _unless_given(arguments: dict[str, Any], url: URL) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in url.query}


def _create(url: URL, arguments: dict[str, Any], options: dict[str, Any]) -> Engine:
    try:
        engine = create_engine(
            url,
            connect_args=arguments,
            isolation_level="READ COMMITTED",
            pool_recycle=_RECYCLE,
            **options,
        )
    except ImportError as error:
        driver = url.get_driver_name()
        raise MissingExtra(_EXTRAS.get(driver, "all"), driver) from error
    _check_idle(engine)
    return engine
