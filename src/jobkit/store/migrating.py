"""Bringing the store's schema up to date."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from jobkit.errors import SchemaOutdated, StoreUnavailable
from jobkit.store.database import Database
from jobkit.store.schema import HEAD, VERSION_TABLE

_PATIENCE = 600.0
"""Seconds that a migration may take, or wait for another process to migrate."""

_LOCK = 0x6A6F626B6974  # "jobkit"


@dataclass(frozen=True)
class SchemaStatus:
    """Tell which schema the store has, and which this release needs."""

    current: str | None
    """None: the store is empty."""

    head: str

    @property
    def is_current(self) -> bool:
        """Tell whether they are the same."""
        return self.current == self.head

    @property
    def is_newer(self) -> bool:
        """Tell whether a later release of jobkit has migrated the store."""
        return self.current is not None and self.current > self.head


def status(database: Database) -> SchemaStatus:
    """Return which schema the store has. Raises `StoreUnavailable`."""
    # Not `read`: this is the first look of an application whose connections may have died idle.
    return database.fetch(lambda conn: SchemaStatus(_current(conn), HEAD))


def ensure_current(database: Database) -> None:
    """Make sure that the schema fits this release: SQLite is migrated here, servers are not.

    Raises `SchemaOutdated` with the command to run.
    """
    found = status(database)
    if found.is_current:
        return
    if database.dialect == "sqlite":
        upgrade(database)
    elif not found.is_newer:
        has = f"schema {found.current}" if found.current else "no tables of jobkit yet"
        raise SchemaOutdated(
            f"the job store at {database} has {has}, and this release needs {HEAD}: "
            "run `jobkit db upgrade`"
        )
    _refuse_newer(database)


def upgrade(database: Database) -> None:
    """Migrate the store to the schema of this release; any number of processes may try at once.

    Raises `SchemaOutdated` for a store that a later release has migrated.
    """
    _refuse_newer(database)
    if database.dialect == "sqlite":
        # The transaction is the lock: it is the only one that may write.
        database.write(_migrate)
        return
    patient = Database(
        database.url.render_as_string(hide_password=False),
        clock=database.clock,
        pool_size=1,
        timeout=_PATIENCE,
    )
    try:
        patient.write(_migrate_alone)
    finally:
        patient.dispose()


def _current(conn: Connection) -> str | None:
    if not inspect(conn).has_table(VERSION_TABLE):
        return None
    return conn.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _refuse_newer(database: Database) -> None:
    found = status(database)
    if found.is_newer:
        raise SchemaOutdated(
            f"the job store at {database} has schema {found.current}, newer than {HEAD}, which "
            "this release knows: upgrade jobkit here"
        )


def _migrate_alone(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _migrate(conn)
        return
    # Locks have names for the whole server, and DDL ends transactions: this one lasts until the
    # connection is closed.
    name = f"jobkit:{conn.engine.url.database}"[:64]
    taken = text("SELECT GET_LOCK(:name, :seconds)")
    if conn.execute(taken, {"name": name, "seconds": int(_PATIENCE)}).scalar() != 1:
        raise StoreUnavailable("another process has been migrating the job store for too long")
    _migrate(conn)


def _migrate(conn: Connection) -> None:
    # Alembic takes a while to import, and a current schema has no need of it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "jobkit.store:migrations")
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
