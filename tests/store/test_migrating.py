"""The schema of the store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect, text
from tests.store.children import fork
from tests.store.conftest import SERVERS

from jobkit.clock import Clock
from jobkit.errors import SchemaOutdated
from jobkit.store.database import Database
from jobkit.store.migrating import SchemaStatus, _migrate, ensure_current, status, upgrade
from jobkit.store.schema import HEAD, VERSION_TABLE, metadata


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url, clock=Clock())
    yield database
    database.dispose()


def set_version(database: Database, version: str) -> None:
    change = text(f"UPDATE {VERSION_TABLE} SET version_num = :version")
    database.write(lambda conn: conn.execute(change, {"version": version}))


def differences(database: Database) -> list[Any]:
    """Return what a migration would have to change for the tables to be as declared."""

    def for_this_dialect(item: Any, _name: Any, kind: str, _reflected: Any, _other: Any) -> bool:
        condition = getattr(item, "_ddl_if", None) if kind == "index" else None
        return condition is None or database.dialect in condition.dialect

    def compare(conn: Any) -> list[Any]:
        options = {
            "include_object": for_this_dialect,
            "version_table": VERSION_TABLE,
            "compare_type": True,
        }
        return compare_metadata(MigrationContext.configure(conn, opts=options), metadata)

    with database.read() as conn:
        return compare(conn)


def test_the_migrated_tables_are_the_declared_ones(empty: Database) -> None:
    upgrade(empty)

    assert differences(empty) == []


def test_a_column_that_no_migration_makes_is_noticed(empty: Database) -> None:
    upgrade(empty)
    dropped = {"postgresql": " CASCADE"}.get(empty.dialect, "")
    empty.write(lambda conn: conn.exec_driver_sql(f"DROP TABLE jobkit_leases{dropped}"))
    empty.write(lambda conn: conn.exec_driver_sql("DROP TABLE jobkit_progress"))

    assert len(differences(empty)) == 2


def test_the_declared_head_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "jobkit.store:migrations")

    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_store_tells_its_schema(empty: Database) -> None:
    assert status(empty) == SchemaStatus(None, HEAD)
    assert not status(empty).is_current

    upgrade(empty)

    assert status(empty) == SchemaStatus(HEAD, HEAD)
    assert status(empty).is_current


def test_an_upgrade_of_a_current_store_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    empty.write(lambda conn: conn.exec_driver_sql("INSERT INTO jobkit_queues (name) VALUES ('a')"))

    upgrade(empty)
    ensure_current(empty)

    names = "SELECT name FROM jobkit_queues"
    with empty.read() as conn:
        assert conn.exec_driver_sql(names).scalars().all() == ["a"]


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_sqlite_is_migrated_by_itself(empty: Database) -> None:
    ensure_current(empty)

    assert status(empty).is_current


@pytest.mark.parametrize("empty_url", SERVERS, indirect=True)
def test_a_server_is_migrated_by_a_person(empty: Database) -> None:
    with pytest.raises(SchemaOutdated, match=r"no tables of jobkit yet.*`jobkit db upgrade`"):
        ensure_current(empty)
    assert status(empty).current is None

    upgrade(empty)
    ensure_current(empty)
    set_version(empty, "0000")

    with pytest.raises(SchemaOutdated, match=r"schema 0000, and this release needs"):
        ensure_current(empty)


@pytest.mark.parametrize("act", [upgrade, ensure_current], ids=lambda act: act.__name__)
def test_a_schema_of_a_later_release_is_left_alone(
    empty: Database, act: Callable[[Database], None]
) -> None:
    upgrade(empty)
    set_version(empty, "9999")

    with pytest.raises(SchemaOutdated, match=r"schema 9999, newer than.*upgrade jobkit"):
        act(empty)


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    def start() -> bool:
        database = Database(empty_url, clock=Clock())
        upgrade(database)
        current = status(database).is_current
        database.dispose()
        return current

    children = [fork(start) for _ in range(5)]

    assert [child.result() for child in children] == [True] * 5


@pytest.mark.parametrize("done", range(0, 24, 3))
@pytest.mark.parametrize("empty_url", SERVERS[1:], indirect=True)
def test_a_migration_that_broke_off_is_finished(
    empty: Database, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off_after(done, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        upgrade(empty)
    monkeypatch.undo()

    upgrade(empty)

    assert differences(empty) == []


def break_off_after(done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next migrations stop in front of one of their statements."""
    left = iter(range(done))

    def count(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith("CREATE") and next(left, None) is None:
            raise KeyboardInterrupt

    def migrate(conn: Connection) -> None:
        event.listen(conn, "before_cursor_execute", count)
        _migrate(conn)

    monkeypatch.setattr("jobkit.store.migrating._migrate", migrate)


def test_names_are_prefixed(empty: Database) -> None:
    upgrade(empty)

    with empty.read() as conn:
        names = set(inspect(conn).get_table_names())

    assert names == {*metadata.tables, VERSION_TABLE}
    assert all(name.startswith("jobkit_") for name in names)


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_a_current_store_is_opened_without_alembic(empty: Database) -> None:
    upgrade(empty)
    program = (
        "import sys\n"
        "from jobkit.clock import Clock\n"
        "from jobkit.store.database import Database\n"
        "from jobkit.store.migrating import ensure_current\n"
        "ensure_current(Database(sys.argv[1], clock=Clock()))\n"
        "assert 'alembic' not in sys.modules\n"
    )

    url = empty.url.render_as_string()
    subprocess.run([sys.executable, "-c", program, url], check=True, timeout=30)
