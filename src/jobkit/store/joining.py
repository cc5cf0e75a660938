"""The host's own transactions: what is enqueued in one is rung for once it is committed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Connection, Engine, event, text

from jobkit.errors import EnqueueError, WrongDatabase
from jobkit.store.database import Database
from jobkit.store.outages import shown
from jobkit.store.schema import jobs

if TYPE_CHECKING:
    from sqlalchemy.engine import RootTransaction
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session, scoped_session

    SyncHost = Connection | Session | scoped_session[Session]
    AsyncHost = AsyncConnection | AsyncSession

Ring = Callable[[str, int], None]

_LONGEST_COMMIT = 30.0
# What two connections to one database agree on, and connections to two do not. to_regclass answers
# NULL where a query for a table that is not there would break the host's transaction.
_IDENTITY = {
    "postgresql": text(
        "SELECT pg_postmaster_start_time()::text, current_database()::text, "
        "to_regclass('jobkit_jobs')::oid::text"
    ),
    "mysql": text("SELECT @@hostname, @@port, DATABASE()"),
    "sqlite": text("PRAGMA database_list"),
}


class HostTransactions:
    """Join jobs to transactions of the host, on connections of the host.

    SQLAlchemy tells of a commit before it happens: the ring waits in a thread until it has.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._identity: tuple[Any, ...] | None = None
        self._known: WeakSet[Engine] = WeakSet()
        self._joined: WeakKeyDictionary[Connection, _Joined] = WeakKeyDictionary()
        self._ringing: WeakSet[threading.Thread] = WeakSet()
        self._lock = threading.Lock()

    def connection(self, given: Any) -> Connection:
        """Return the connection of *given*, a SQLAlchemy Connection or Session.

        Raises `EnqueueError` for anything else, `WrongDatabase` for one that leads elsewhere.
        """
        if hasattr(given, "sync_session") or hasattr(given, "sync_connection"):
            raise EnqueueError(f"a {type(given).__name__} is given to `await jobs.aenqueue(...)`")
        if not isinstance(given, Connection):
            given = _of_session(given)
        if not isinstance(given, Connection):
            raise EnqueueError(
                "connection takes a SQLAlchemy Connection, Session, AsyncConnection or "
                f"AsyncSession, not {type(given).__name__}"
            )
        self._expect_store(given)
        return given

    def ring_after(
        self, conn: Connection, rings: Counter[str], ring: Ring
    ) -> RootTransaction | None:
        """Ring for these queues once the transaction of *conn* is committed; return it."""
        with self._lock:
            joined = self._joined.get(conn)
            if joined is None:
                joined = self._joined[conn] = _Joined(self._ringing)
                joined.listen(conn)
        joined.wanted += [(ring, queue, times) for queue, times in rings.items()]
        return conn.get_transaction()

    def close(self, timeout: float = 5.0) -> None:
        """Let what is committed be rung for."""
        for thread in list(self._ringing):
            thread.join(timeout)

    def _expect_store(self, conn: Connection) -> None:
        if conn.engine in self._known:
            return
        if conn.dialect.name in ("mysql", "mariadb", "sqlite", "postgresql"):
            if self._identity is None:
                self._identity = self._database.fetch(_identity)
            if _identity(conn) == self._identity:
                self._known.add(conn.engine)
                return
        raise WrongDatabase(
            f"the connection leads to {shown(conn.engine.url)}, and the jobs are in "
            f"{self._database}: a transaction holds in one database only; enqueue without it, "
            "after the commit"
        )


@dataclass(eq=False)
class _Joined:
    """Hold what is to be rung for after the transaction of one connection."""

    ringing: WeakSet[threading.Thread]
    wanted: list[tuple[Ring, str, int]] = field(default_factory=list)
    savepoints: list[int] = field(default_factory=list)
    """How much was wanted when each open savepoint began."""

    def listen(self, conn: Connection) -> None:
        """Follow the connection for as long as it lives, through all of its transactions."""
        event.listen(conn, "commit", self._committing)
        event.listen(conn, "commit_twophase", lambda conn, *_: self._committing(conn))
        event.listen(conn, "rollback", lambda conn: self._clear())
        event.listen(conn, "rollback_twophase", lambda conn, *_: self._clear())
        event.listen(conn, "savepoint", lambda conn, name: self._mark())
        event.listen(conn, "release_savepoint", lambda conn, *_: self._release())
        event.listen(conn, "rollback_savepoint", lambda conn, *_: self._return())

    def _committing(self, conn: Connection) -> None:
        wanted = self.wanted
        transaction = conn.get_transaction()
        self._clear()
        if wanted:
            # Not a daemon: a program that ends here rings first.
            thread = threading.Thread(
                target=_ring_when_ended, args=(transaction, wanted), name="jobkit-after-commit"
            )
            thread.start()
            self.ringing.add(thread)

    def _clear(self) -> None:
        self.wanted, self.savepoints = [], []

    def _mark(self) -> None:
        self.savepoints.append(len(self.wanted))

    def _release(self) -> None:
        if self.savepoints:
            self.savepoints.pop()

    def _return(self) -> None:
        # One that nobody told us of began before all that is wanted.
        del self.wanted[self.savepoints.pop() if self.savepoints else 0 :]


def _of_session(given: Any) -> Any:
    # A host that gives a session has imported this; the others need not.
    from sqlalchemy.orm import Session, scoped_session

    if isinstance(given, scoped_session):
        given = given()
    return (
        given.connection(bind_arguments={"clause": jobs}) if isinstance(given, Session) else given
    )


def _ring_when_ended(
    transaction: RootTransaction | None, wanted: list[tuple[Ring, str, int]]
) -> None:
    """Ring once a queue. After a commit that failed it is a bell too many, which hurts nobody."""
    ends = time.monotonic() + _LONGEST_COMMIT
    pause = 0.0005
    while transaction is not None and transaction.is_active and time.monotonic() < ends:
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)
    rings: Counter[tuple[Ring, str]] = Counter()
    for ring, queue, times in wanted:
        rings[ring, queue] += times
    for (ring, queue), times in rings.items():
        ring(queue, times)


def _identity(conn: Connection) -> tuple[Any, ...]:
    dialect = "mysql" if conn.dialect.name == "mariadb" else conn.dialect.name
    if dialect != "sqlite":
        return (dialect, *conn.execute(_IDENTITY[dialect]).one())
    files = [row[2] for row in conn.execute(_IDENTITY[dialect]) if row[1] == "main"]
    if not files[0]:
        return (dialect, id(conn.engine))  # in memory: a database of this engine alone
    told = Path(files[0]).stat()
    return (dialect, told.st_dev, told.st_ino)
