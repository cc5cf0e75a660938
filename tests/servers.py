"""Databases on the servers that tests may use."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

_NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}
_DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}
_DROP = {"postgresql": "DROP DATABASE {} WITH (FORCE)", "mariadb": "DROP DATABASE {}"}


def server_url(kind: str) -> str:
    """Return where the server of this kind is, by the environment or by its default."""
    if kind == "postgresql":
        usual = "postgresql://postgres@127.0.0.1:5432/postgres"
        return os.environ.get("JOBKIT_TEST_POSTGRES", usual)
    return os.environ.get("JOBKIT_TEST_MARIADB", "mysql://root@127.0.0.1:3306")


@contextmanager
def fresh_database(kind: str) -> Iterator[str]:
    """Give the URL of a new, empty database; skip the test when the server does not answer."""
    name = f"jobkit_test_{secrets.token_hex(4)}"
    url = make_url(server_url(kind))
    try:
        engine = create_engine(
            url.set(drivername=_DRIVERS[kind]), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        with engine.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name}")
    except (SQLAlchemyError, ImportError) as error:
        missing(_NAMES[kind], error)
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as conn:
            conn.exec_driver_sql(_DROP[kind].format(name))


def missing(service: str, why: object) -> NoReturn:
    """Skip the test, or fail it where services are required."""
    told = f"{service} does not answer: {why}"
    if os.environ.get("JOBKIT_REQUIRE_SERVICES") == "1":
        pytest.fail(told)
    pytest.skip(told)
