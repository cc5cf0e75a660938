"""The connection to the job store: transactions, outages, the clock, forks."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity import wait_random_exponential as wait_jitter

from jobkit.clock import Clock
from jobkit.errors import StoreUnavailable
from jobkit.store.drivers import build_engine, in_memory, normalise
from jobkit.store.forking import ForkGate, watch_forks
from jobkit.store.outages import outage, passing, shown, unavailable

T = TypeVar("T")

_TRIES = 6
_PAUSE = 0.01
_SERVER_TIME = {
    "postgresql": text("SELECT extract(epoch FROM clock_timestamp())"),
    "mysql": text("SELECT UNIX_TIMESTAMP(SYSDATE(6))"),
}


class _BrokeAtCommit(Exception):
    """Carry an error that leaves open whether the transaction was committed."""


class Database:
    """Give transactions on the job store.

    Nothing is opened before the first use. *pool_size* caps the connections of this process;
    *timeout*, in seconds, bounds the wait for a connection, a lock and the network. Forked
    children open their own connections. Raises `ConfigurationError` for a URL that cannot be
    served, `MissingExtra` where the driver is not installed.
    """

    def __init__(self, url: str, *, clock: Clock, pool_size: int = 2, timeout: float = 5.0) -> None:
        self.url = normalise(url)
        self.clock = clock
        self.timeout = timeout
        self._pool_size = pool_size
        self._engine: Engine | None = None
        self._building = threading.Lock()
        self._gate = ForkGate()
        self._at_rest = True
        self._tainted = False
        self._again = Retrying(
            retry=retry_if_exception(_worth_another),
            # SQLite has waited for its lock before it says that it is busy.
            stop=stop_after_attempt(_TRIES) | stop_after_delay(timeout),
            wait=wait_jitter(multiplier=_PAUSE, max=0.5),
            reraise=True,
        )
        watch_forks(self)

    def __str__(self) -> str:
        return shown(self.url)

    @property
    def dialect(self) -> str:
        """Return `sqlite`, `postgresql` or `mysql`; the last stands for MariaDB too."""
        return self.url.get_backend_name()

    @property
    def engine(self) -> Engine:
        """Return the SQLAlchemy engine, made at the first use."""
        if self._engine is None:
            with self._building:
                if self._engine is None:
                    self._engine = build_engine(
                        self.url, pool_size=self._pool_size, timeout=self.timeout
                    )
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; each statement sees what is committed by then.

        Raises `StoreUnavailable`.
        """
        try:
            with self._session(reading=True) as conn:
                yield conn
        except (DBAPIError, PoolTimeout) as error:
            raise self._translated(error) from error

    def fetch(self, fn: Callable[[Connection], T]) -> T:
        """Run *fn*, which only reads, and return what it returns.

        Unlike `read` it tries again, once, on a connection that had died in the pool. Raises
        `StoreUnavailable`.
        """
        try:
            with self.read() as conn:
                return fn(conn)
        except StoreUnavailable:
            with self.read() as conn:
                return fn(conn)

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run *fn* in one transaction and return what it returns.

        After a deadlock, a lock that was not given, or a connection that had died in the pool,
        *fn* is called again: it must do nothing but SQL, and ask the clock itself. Raises
        `StoreUnavailable`.
        """
        started = time.monotonic()
        try:
            try:
                return self._transaction(fn)
            except DBAPIError as error:
                if not _worth_another(error) or time.monotonic() - started > self.timeout:
                    raise
            # Two that met in a deadlock would meet again if they came back in step.
            time.sleep(random.uniform(0, _PAUSE))
            return cast(T, self._again(self._transaction, fn))
        except _BrokeAtCommit as broken:
            raise StoreUnavailable(
                f"the connection to the job store at {self} broke during the commit; "
                "whether the write happened is not known"
            ) from broken.__cause__
        except (DBAPIError, PoolTimeout) as error:
            raise self._translated(error) from error

    def make_room(self, connections: int) -> None:
        """Raise the cap of this process to *connections*; for a worker with that many threads."""
        if connections > self._pool_size:
            self._pool_size = connections
            with self._building:
                if self._engine is not None:
                    self._engine.dispose()
                self._engine = None

    def dispose(self) -> None:
        """Close the connections; the next use opens new ones."""
        if self._engine is not None:
            self._engine.dispose()

    def _transaction(self, fn: Callable[[Connection], T]) -> T:
        with self._session() as conn:
            try:
                if self.dialect == "sqlite":
                    # A transaction that reads first and then writes fails at once when another
                    # has written in between, whatever the timeout; this one waits its turn.
                    conn.exec_driver_sql("BEGIN IMMEDIATE")
                value = fn(conn)
            except BaseException:
                self._abandon(conn)
                raise
            try:
                conn.commit()
            except BaseException as error:
                # SQLAlchemy takes the transaction for ended; SQLite may have it open still, also
                # where a signal to stop the task came in between.
                conn.invalidate()
                if isinstance(error, DBAPIError) and not passing(error) and outage(error):
                    raise _BrokeAtCommit from error
                raise
            return value

    @contextmanager
    def _session(self, *, reading: bool = False) -> Iterator[Connection]:
        with self._gate:
            conn = self._connect(reading)
            pool, process = self.engine.pool, os.getpid()
            try:
                yield conn
            finally:
                # A child leaves the connection to its parent, which may be in the middle of it.
                if os.getpid() == process:
                    if self.engine.pool is not pool and not (conn.closed or conn.invalidated):
                        # Its pool was closed at a fork meanwhile: nobody would ever close it.
                        conn.detach()
                    conn.close()

    def _connect(self, reading: bool) -> Connection:
        if self._tainted:
            raise StoreUnavailable(
                f"this process was forked while a transaction was open on {self}; "
                "using the file here could corrupt it"
            )
        conn = self.engine.connect()
        try:
            if reading and self.dialect == "postgresql":
                # No transaction to begin and to end: one round trip instead of three.
                conn.execution_options(isolation_level="AUTOCOMMIT")
            if self.clock.due:
                self._synchronise(conn)
        except BaseException:
            conn.close()
            raise
        return conn

    def _synchronise(self, conn: Connection) -> None:
        statement = _SERVER_TIME.get(self.dialect)
        if statement is None:
            # SQLite has no clock but this machine's.
            self.clock.synchronise(time.time())
            return
        asked = time.monotonic()
        told = float(conn.execute(statement).scalar_one())
        self.clock.synchronise(told + (time.monotonic() - asked) / 2)

    @staticmethod
    def _abandon(conn: Connection) -> None:
        """Roll back, or throw the connection away where an interruption left it unusable."""
        try:
            conn.rollback()
        except Exception:
            conn.invalidate()

    def _translated(self, error: BaseException) -> BaseException:
        if isinstance(error, DBAPIError) and not outage(error) and not passing(error):
            return error
        return unavailable(self.url, error)

    def before_fork(self) -> None:
        """Come to rest: see `jobkit.store.forking`."""
        self._at_rest = self._gate.close()
        if self._engine is not None and self._has_file:
            self._engine.dispose()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._gate.open()

    def after_fork_in_child(self) -> None:
        """Leave the parent's connections alone, and open others when needed."""
        self._gate.restart()
        self._building = threading.Lock()
        if self._engine is None or in_memory(self.url):
            return
        if self._has_file and not self._at_rest:
            self._tainted = True
            _left_open.append(self._engine)
        else:
            self._engine.dispose(close=False)

    @property
    def _has_file(self) -> bool:
        return self.dialect == "sqlite" and not in_memory(self.url)


_left_open: list[Engine] = []
"""Engines with a connection that was open at a fork: closing it in the child would meddle."""


def _worth_another(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and (passing(error) or error.connection_invalidated)
