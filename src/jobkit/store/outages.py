"""Telling apart what a database error means: try again, the store is away, or a mistake."""

from __future__ import annotations

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from jobkit.errors import StoreUnavailable

# PostgreSQL: serialization failure, deadlock, lock not available (a lock timeout).
_PASSING_STATES = frozenset({"40001", "40P01", "55P03"})
# MySQL and MariaDB: lock wait timeout, deadlock, and MariaDB's snapshot conflict.
_PASSING_CODES = frozenset({1205, 1213, 1020})
# MySQL files these mistakes in a statement under OperationalError: unknown column, no default.
_MISTAKES = frozenset({1054, 1364})
# SQLite result codes, https://sqlite.org/rescode.html: busy, locked, read-only, I/O error, full,
# cannot open, locking protocol. Everything else under OperationalError is a mistake.
_BUSY = frozenset({5, 6})
_AWAY = _BUSY | {8, 10, 13, 14, 15}


def passing(error: DBAPIError) -> bool:
    """Tell whether the same transaction may well succeed when tried again at once."""
    origin = error.orig
    if (code := _sqlite_code(origin)) is not None:
        return code in _BUSY
    if getattr(origin, "sqlstate", None) in _PASSING_STATES:
        return True
    return _mysql_code(origin) in _PASSING_CODES


def outage(error: DBAPIError) -> bool:
    """Tell whether *error* says that the store is away, rather than that a statement is wrong."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    if (code := _sqlite_code(error.orig)) is not None:
        return code in _AWAY
    return _mysql_code(error.orig) not in _MISTAKES


def unavailable(url: URL, error: BaseException) -> StoreUnavailable:
    """Return the error to raise for *error*, without the password."""
    origin = getattr(error, "orig", None) or error
    lines = str(origin).strip().splitlines()
    told = lines[0] if lines else type(origin).__name__
    if url.password:
        told = told.replace(str(url.password), "***")
    return StoreUnavailable(f"the job store at {shown(url)} does not answer: {told}")


def shown(url: URL) -> str:
    """Return *url* as people may see it: without its password and its options."""
    return url.set(query={}).render_as_string(hide_password=True)


def _sqlite_code(origin: BaseException | None) -> int | None:
    code = getattr(origin, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _mysql_code(origin: BaseException | None) -> int | None:
    arguments = getattr(origin, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None
