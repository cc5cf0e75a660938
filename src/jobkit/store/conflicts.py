"""Inserting a row unless another has its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError


def insert_new(
    conn: Connection, table: Table, values: Mapping[str, Any], key: Sequence[str]
) -> bool:
    """Insert *values*, and tell whether the row is new.

    Only a row that has the same *key*, the columns of a unique index, stands in the way silently;
    any other conflict raises `IntegrityError`.
    """
    dialects: dict[str, Callable[[Table], Any]] = {
        "postgresql": postgresql.insert,
        "sqlite": sqlite.insert,
    }
    if insert := dialects.get(conn.dialect.name):
        new = insert(table).on_conflict_do_nothing(
            index_elements=key, index_where=_condition(table, key)
        )
        return conn.execute(counted(new), dict(values)).rowcount == 1
    # INSERT IGNORE would hide every other error, and ON DUPLICATE KEY every other conflict.
    try:
        conn.execute(table.insert().values(**values))
    except IntegrityError:
        # A host's transaction may see an old snapshot; a lock makes it look at what is there now.
        found = select(1).where(*(table.c[name] == values[name] for name in key))
        found = found.with_for_update(read=True)
        if conn.execute(found).first() is None:
            raise
        return False
    return True


def counted(insert: Insert) -> Insert:
    """Return *insert* such that its rowcount is kept, which SQLAlchemy does for updates only."""
    return insert.execution_options(preserve_rowcount=True)


def _condition(table: Table, key: Sequence[str]) -> ColumnElement[bool] | None:
    """Return the condition of the partial unique index on *key*, or None for a primary key."""
    return None if table.c[key[0]].primary_key else table.c[key[0]].is_not(None)
