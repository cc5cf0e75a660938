"""Starting, attaching, stopping: one server for any number of processes."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest
from kombu.utils.url import url_to_parts
from tests.embedded.processes import fake_server, is_served, until

from jobkit.embedded import ensure_server
from jobkit.embedded.lock import held
from jobkit.errors import EmbeddedServerError


def test_the_first_starts_a_server_and_the_next_attaches_to_it(new_server, data_dir):
    first, second = new_server(data_dir), new_server(data_dir)

    assert first.ensure() is True
    assert second.ensure() is False

    assert first.pid == second.pid
    assert (first.owned, second.owned) == (True, False)


def test_the_starter_may_ensure_again_and_keeps_its_server(new_server, data_dir):
    server = new_server(data_dir)
    server.ensure()
    pid = server.pid

    assert server.ensure() is True

    assert server.pid == pid


def test_ensure_server_hands_back_a_running_server(binary, data_dir):
    server = ensure_server(data_dir, binary)

    assert server.is_running()
    assert server.stop() is True
    assert not server.is_running()


def test_the_address_is_known_before_any_server_runs(new_server, data_dir):
    server = new_server(data_dir)

    assert server.url == f"redis+socket://{data_dir.resolve()}/broker.sock"
    assert not server.is_running()
    assert server.pid is None
    assert not data_dir.exists()


def test_the_address_keeps_characters_that_urls_reserve(new_server, data_dir, talk):
    server = new_server(data_dir / "50% off #1? über'\" x")
    server.ensure()

    assert "/" + url_to_parts(server.url).path == str(server.socket)
    assert talk(server).ping()
    server.stop()


def test_the_server_is_run_with_the_settings_of_a_broker(new_server, data_dir, talk):
    server = new_server(data_dir)
    server.ensure()

    config = talk(server).config_get("*")

    expected = {
        "port": "0",
        "unixsocketperm": "700",
        "dir": str(data_dir.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-use-rdb-preamble": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    assert {name: config[name] for name in expected} == expected


def test_six_processes_at_once_give_one_server_and_five_that_attach(new_starter, data_dir):
    starters = [new_starter(data_dir) for _ in range(6)]

    for starter in starters:
        starter.send("ensure")
    answers = [starter.receive() for starter in starters]

    assert sorted(answer["started"] for answer in answers) == [False] * 5 + [True]
    assert len({answer["pid"] for answer in answers}) == 1


def test_six_threads_at_once_give_one_server(new_server, data_dir):
    server = new_server(data_dir)
    pids = []

    def ensure() -> None:
        server.ensure()
        pids.append(server.pid)

    threads = [threading.Thread(target=ensure) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(pids) == 6
    assert len(set(pids)) == 1


def test_stop_leaves_a_server_that_another_process_started(new_starter, new_server, data_dir):
    new_starter(data_dir).tell("ensure")
    server = new_server(data_dir)
    server.ensure()

    assert server.stop() is False

    assert server.is_running()


def test_a_server_that_is_loading_is_attached_to(new_server, data_dir):
    server = new_server(data_dir)
    data_dir.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as loading:
        loading.bind(str(server.socket))
        loading.listen()

        def reply() -> None:
            with loading.accept()[0] as line:
                line.recv(100)
                line.sendall(b"-LOADING Valkey is loading the dataset in memory\r\n")

        thread = threading.Thread(target=reply)
        thread.start()
        assert server.ensure() is False
        thread.join()


def test_a_server_that_hangs_is_named_and_not_doubled(new_server, data_dir):
    new_server(data_dir).ensure()
    other = new_server(data_dir, start_timeout=0.1)
    pid = other.pid
    assert pid is not None

    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EmbeddedServerError, match=f"pid {pid}.* does not answer"):
            other.ensure()
    finally:
        os.kill(pid, signal.SIGCONT)

    until(other.is_running)
    assert other.pid == pid


def test_a_starter_that_hangs_is_not_waited_for_for_ever(new_server, data_dir):
    server = new_server(data_dir, start_timeout=0.1)
    data_dir.mkdir(mode=0o700)

    with held(data_dir / "start.lock", deadline=0):  # noqa: SIM117
        with pytest.raises(EmbeddedServerError, match=r"start\.lock"):
            server.ensure()


def test_a_damaged_file_is_an_error_that_shows_the_end_of_the_log(new_server, data_dir, talk):
    server = new_server(data_dir)
    server.ensure()
    talk(server).set("key", "value")
    server.stop()
    for file in data_dir.glob("appendonlydir/*.incr.aof"):
        file.write_bytes(b"what is this\r\n" * 20)

    with pytest.raises(EmbeddedServerError, match="Bad file format") as raised:
        server.ensure()

    assert f"move {data_dir.resolve()} away" in raised.value.message
    assert not is_served(data_dir)


def test_a_server_that_dies_before_it_has_a_log_tells_why(new_server, data_dir, tmp_path):
    broken = fake_server(
        tmp_path / "valkey-server", "Valkey server v=9.9.9 x", "echo no such luck >&2; exit 3"
    )

    with pytest.raises(EmbeddedServerError, match=r"(?s)ended with code 3.*no such luck"):
        new_server(data_dir, broken).ensure()


def test_a_server_that_never_answers_is_ended_in_time(new_server, data_dir, tmp_path):
    mute = fake_server(tmp_path / "valkey-server", "Valkey server v=9.9.9 x", "exec sleep 60")

    with pytest.raises(EmbeddedServerError, match=r"no answer in 0\.5 s"):
        new_server(data_dir, mute, start_timeout=0.5).ensure()

    assert not is_served(data_dir)


def test_the_log_tells_of_one_start_and_the_one_before_is_kept(new_server, data_dir):
    server = new_server(data_dir)
    for _ in range(2):
        server.ensure()
        server.stop()

    now, before = data_dir / "broker.log", data_dir / "broker.log.1"
    assert now.read_text().count("is starting oO0O") == 1
    assert before.read_text().count("is starting oO0O") == 1
