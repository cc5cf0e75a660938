"""The column types that behave alike on SQLite, PostgreSQL and MariaDB or MySQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine, UserDefinedType

# Ids are compared byte by byte: neither a locale nor letter case has a say, and the index is
# smaller. SQLite compares so by itself.
JobId = (
    String(36)
    .with_variant(String(36, collation="C"), "postgresql")
    .with_variant(mysql.VARCHAR(36, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
)

_MYSQL = ("mysql", "mariadb")


class UtcDateTime(TypeDecorator[datetime]):
    """Store an aware datetime to the microsecond, and give it back in UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of *dialect*; SQLite keeps text of a fixed width, which sorts."""
        if dialect.name in _MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into what the database keeps. Raises `ValueError` for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the job store takes datetimes with a time zone only")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the stored moment its time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class Prose(TypeDecorator[str]):
    """Store text that other people wrote: error messages, notes, raw bodies.

    With a *limit* it is cut to so many characters. NUL, which PostgreSQL refuses, and half
    surrogates, which no encoding takes, are escaped: an outcome must never be lost to the
    characters in an error message.
    """

    impl = Text
    cache_ok = True

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit = limit

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return a type that holds *limit* characters, or a few megabytes without one."""
        if self.limit is not None:
            return dialect.type_descriptor(String(self.limit))
        return dialect.type_descriptor(mysql.LONGTEXT() if dialect.name in _MYSQL else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Make *value* fit."""
        if value is None:
            return None
        if "\x00" in value:
            value = value.replace("\x00", "\\x00")
        if not value.isascii():
            value = value.encode("utf-8", "backslashreplace").decode("utf-8")
        return value if self.limit is None else value[: self.limit]


class Names(UserDefinedType[Sequence[str]]):
    """Pass a list of names to PostgreSQL as one parameter, so that the statement stays the same.

    Workers ask for the same names again and again: the array is spelled out once.
    """

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type to cast to."""
        return "VARCHAR[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """Return what spells a list of names as an array."""
        return lambda names: _array(tuple(names))


@lru_cache
def _array(names: tuple[str, ...]) -> str:
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
    return "{" + ",".join(f'"{name}"' for name in quoted) + "}"
