"""Deaths: the server goes with its starter, whatever else lives, and comes back with its data."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from tests.embedded.processes import always, is_served, parent_of, until

WAYS = ["ensure", "ensure in thread"]
"""From the main thread the kernel ties the server to its starter; from another, a watcher does."""


@pytest.mark.parametrize("way", WAYS)
def test_kill_9_of_the_starter_ends_the_server(new_starter, data_dir, way):
    starter = new_starter(data_dir)
    assert starter.tell(way)["started"] is True

    starter.kill()

    until(lambda: not is_served(data_dir), within=5)


@pytest.mark.parametrize("way", WAYS)
def test_a_survivor_brings_the_server_back_with_its_data(
    new_starter, new_server, data_dir, talk, way
):
    starter, survivor = new_starter(data_dir), new_server(data_dir)
    starter.tell(way)
    assert survivor.ensure() is False
    talk(survivor).rpush("queue", "one", "two")

    starter.kill()
    until(lambda: not survivor.is_running())

    assert survivor.ensure() is True
    assert talk(survivor).lrange("queue", 0, -1) == ["one", "two"]


def test_survivors_at_once_bring_back_one_server(new_starter, data_dir):
    starter, *survivors = [new_starter(data_dir) for _ in range(6)]
    for each in (starter, *survivors):
        each.tell("ensure")

    starter.kill()
    until(lambda: not is_served(data_dir))
    for survivor in survivors:
        survivor.send("ensure")
    answers = [survivor.receive() for survivor in survivors]

    assert sorted(answer["started"] for answer in answers) == [False] * 4 + [True]
    assert len({answer["pid"] for answer in answers}) == 1


def test_an_ensure_in_the_moment_of_the_death_waits_for_the_old_server(new_starter, data_dir):
    starter, survivor = new_starter(data_dir), new_starter(data_dir)
    before = starter.tell("ensure")["pid"]

    starter.process.kill()
    answer = survivor.tell("ensure")
    while answer.get("pid") in (before, None):
        answer = survivor.tell("ensure")

    assert answer["started"] is True


@pytest.mark.parametrize("way", WAYS)
def test_the_server_outlives_the_thread_that_started_it(new_starter, data_dir, way):
    starter = new_starter(data_dir)
    pid = starter.tell(way)["pid"]

    always(lambda: is_served(data_dir))
    assert starter.tell("ensure")["pid"] == pid


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_was_killed_comes_back_over_what_it_left(new_starter, data_dir, way):
    starter = new_starter(data_dir)
    pid = starter.tell(way)["pid"]

    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_served(data_dir))
    assert (data_dir / "broker.sock").exists()
    assert (data_dir / "broker.pid").exists()
    again = starter.tell(way)

    assert again["started"] is True
    assert again["pid"] != pid


@pytest.mark.parametrize("way", WAYS)
def test_a_starter_that_ends_has_stopped_its_server_by_then(new_starter, data_dir, way):
    starter = new_starter(data_dir)
    starter.tell(way)

    starter.close()

    assert starter.process.returncode == 0
    assert not is_served(data_dir)
    assert "ready to exit, bye" in (data_dir / "broker.log").read_text()


@pytest.mark.parametrize("way", WAYS)
def test_a_forked_child_cannot_stop_the_server(new_starter, new_server, data_dir, way):
    starter = new_starter(data_dir)
    pid = starter.tell(way)["pid"]

    assert starter.tell("fork and exit") == {"exit": 0}

    assert new_server(data_dir).pid == pid
    assert starter.tell("stop") == {"stopped": True}


@pytest.mark.parametrize("way", WAYS)
def test_a_forked_child_does_not_keep_the_server_and_may_start_its_own(new_starter, data_dir, way):
    starter = new_starter(data_dir)
    before = starter.tell(way)["pid"]
    starter.tell("fork and stay")

    starter.process.kill()
    answer = starter.receive()

    assert answer["started"] is True
    assert answer["pid"] != before


@pytest.mark.parametrize("way", WAYS)
def test_a_ctrl_c_for_the_starter_does_not_reach_the_server(new_starter, data_dir, way):
    starter = new_starter(data_dir)
    pid = starter.tell(way)["pid"]

    assert os.getpgid(pid) != os.getpgid(starter.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a server to its watcher")
def test_a_watcher_that_was_killed_takes_the_server_along(new_starter, data_dir):
    starter = new_starter(data_dir)
    server = starter.tell("ensure in thread")["pid"]
    watcher = parent_of(server)
    assert parent_of(watcher) == starter.pid

    os.kill(watcher, signal.SIGKILL)

    until(lambda: not is_served(data_dir))
    assert starter.tell("ensure")["started"] is True
