"""Worlds for the engine's tests, on the embedded server and on RabbitMQ."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# The workers import the application by this name; so must the tests, or there would be two.
sys.path.insert(0, str(Path(__file__).parent))

from world import World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**settings: Any) -> World:
        folder = tmp_path / f"world{len(worlds)}"
        folder.mkdir()
        worlds.append(World(folder, **settings))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture(params=["embedded", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    if request.param == "embedded":
        return make_world()
    url = request.getfixturevalue("rabbitmq_url")
    world = make_world(broker_url=url)
    # Doorbells of the test before, for jobs that are no more.
    with world.jobs.celery.connection_for_write() as connection:
        for queue in ("engine", "celery"):
            connection.channel().queue_declare(queue, durable=True, auto_delete=False)
            connection.channel().queue_purge(queue)
    return world
