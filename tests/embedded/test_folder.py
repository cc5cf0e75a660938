"""The data folder: private, short enough for a socket, and read only by servers that can."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from tests.embedded.processes import fake_server

from jobkit.embedded import EmbeddedServer
from jobkit.embedded.address import LONGEST
from jobkit.errors import EmbeddedServerError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def long_dir(data_dir, monkeypatch):
    """A folder whose path is too long for a socket, beside a temporary folder of the test's own."""
    temporary = data_dir.with_name("tmp")
    temporary.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return data_dir / ("a-long-name-" * 10)


@pytest.fixture
def runtime_dir(monkeypatch):
    """A short XDG_RUNTIME_DIR."""
    path = Path(tempfile.mkdtemp(prefix="jobkit-run-")).resolve()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    yield path
    shutil.rmtree(path)


def test_folder_and_socket_are_closed_to_others(new_server, data_dir):
    umask = os.umask(0)
    try:
        server = new_server(data_dir)
        server.ensure()
    finally:
        os.umask(umask)

    assert mode(data_dir) == 0o700
    assert mode(server.socket) == 0o700
    assert mode(data_dir / "broker.log") == 0o600


def test_an_empty_folder_that_is_open_is_closed(new_server, data_dir):
    data_dir.mkdir()
    data_dir.chmod(0o755)

    new_server(data_dir).ensure()

    assert mode(data_dir) == 0o700


def test_a_folder_of_ours_that_was_opened_is_closed_again(new_server, data_dir):
    new_server(data_dir).ensure()
    data_dir.chmod(0o755)

    new_server(data_dir).ensure()

    assert mode(data_dir) == 0o700


def test_an_open_folder_with_other_things_is_refused_and_left_alone(new_server, data_dir):
    data_dir.mkdir()
    data_dir.chmod(0o755)
    (data_dir / "thesis.txt").touch()

    with pytest.raises(EmbeddedServerError, match="a folder of its own"):
        new_server(data_dir).ensure()

    assert mode(data_dir) == 0o755
    assert os.listdir(data_dir) == ["thesis.txt"]


def test_a_folder_of_another_user_is_refused(new_server, data_dir, monkeypatch):
    data_dir.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: data_dir.stat().st_uid + 1)

    with pytest.raises(EmbeddedServerError, match="belongs to user"):
        new_server(data_dir).ensure()


def test_a_folder_that_cannot_be_made_is_a_clear_error(new_server, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedServerError, match="cannot be used"):
        new_server(tmp_path / "file" / "broker").ensure()


def test_a_link_and_its_folder_share_one_server(new_server, data_dir):
    link = data_dir.with_name("link")
    link.symlink_to(data_dir)

    assert new_server(data_dir).ensure() is True
    assert new_server(link).ensure() is False


def test_a_long_folder_has_its_socket_in_the_runtime_folder(
    new_server, long_dir, runtime_dir, talk
):
    server = new_server(long_dir)
    expected = server.url

    assert server.ensure() is True
    assert new_server(long_dir).ensure() is False

    assert server.url == expected
    assert server.socket.parent == runtime_dir / "jobkit"
    assert len(os.fsencode(server.socket)) <= LONGEST
    assert mode(runtime_dir / "jobkit") == 0o700
    assert talk(server).ping()
    server.stop()


def test_without_a_runtime_folder_the_temporary_one_serves(new_server, long_dir, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)

    server = new_server(long_dir)

    parent = long_dir.parents[1].resolve() / "tmp" / f"jobkit-{os.geteuid()}"
    assert server.socket.parent == parent
    assert server.ensure() is True
    assert mode(parent) == 0o700
    server.stop()


def test_a_process_with_another_environment_finds_the_same_server(
    new_server, new_starter, long_dir, runtime_dir
):
    server = new_server(long_dir)
    server.ensure()

    elsewhere = new_starter(long_dir, XDG_RUNTIME_DIR="").tell("ensure")

    assert elsewhere == {"started": False, "pid": server.pid, "url": server.url}
    server.stop()


def test_a_copied_long_folder_has_an_address_of_its_own(new_server, long_dir, runtime_dir):
    server = new_server(long_dir)
    server.ensure()
    server.stop()
    copy = long_dir.with_name(long_dir.name + "-copy")
    shutil.copytree(long_dir, copy)

    assert EmbeddedServer(copy).url != server.url


def test_a_runtime_folder_that_is_gone_is_made_or_replaced(
    new_server, long_dir, runtime_dir, monkeypatch
):
    server = new_server(long_dir)
    server.ensure()
    server.stop()
    shutil.rmtree(runtime_dir / "jobkit")
    (runtime_dir / "jobkit").touch()
    monkeypatch.delenv("XDG_RUNTIME_DIR")

    assert server.ensure() is True

    assert server.socket.parent.name == f"jobkit-{os.geteuid()}"
    server.stop()


def test_a_runtime_folder_of_another_user_is_not_trusted(
    new_server, long_dir, runtime_dir, monkeypatch
):
    real = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: real + 1)

    assert runtime_dir not in EmbeddedServer(long_dir).socket.parents


def test_no_runtime_folder_that_is_short_enough_is_a_clear_error(new_server, long_dir, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    long_dir.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(long_dir))

    with pytest.raises(EmbeddedServerError, match="XDG_RUNTIME_DIR"):
        new_server(long_dir).ensure()


def test_what_was_written_survives_a_stop_and_a_start(new_server, data_dir, talk):
    server = new_server(data_dir)
    server.ensure()
    talk(server).rpush("queue", "one", "two")
    server.stop()

    assert server.ensure() is True

    assert talk(server).lrange("queue", 0, -1) == ["one", "two"]


@pytest.fixture
def written(new_server, data_dir, talk, binary):
    """Given a folder with data of the server found here."""
    server = new_server(data_dir)
    server.ensure()
    talk(server).set("key", "value")
    server.stop()
    return data_dir


def test_the_folder_records_which_server_wrote_it(written, binary):
    record = json.loads((written / "server.json").read_text())

    assert record == {"server": binary.flavour, "version": ".".join(map(str, binary.version))}


def test_a_downgrade_is_refused_and_the_data_is_left(written, new_server, binary, tmp_path, talk):
    name = binary.flavour.capitalize()
    older = fake_server(tmp_path / "server", f"{name} server v=7.0.0 sha=0")

    with pytest.raises(EmbeddedServerError, match="holds data written by") as raised:
        new_server(written, older).ensure()

    assert ".".join(map(str, binary.version)) in raised.value.message
    again = new_server(written)
    again.ensure()
    assert talk(again).get("key") == "value"


def test_the_other_flavour_is_refused_even_when_its_version_is_higher(
    written, new_server, binary, tmp_path
):
    other = "Redis" if binary.flavour == "valkey" else "Valkey"
    newer = fake_server(tmp_path / "server", f"{other} server v=99.0.0 sha=0")

    with pytest.raises(EmbeddedServerError, match=f"holds data written by {binary.flavour}"):
        new_server(written, newer).ensure()


def test_the_other_flavour_may_have_a_folder_without_data(new_server, data_dir, redis_binary, talk):
    first = new_server(data_dir)
    first.ensure()
    first.stop()

    second = new_server(data_dir, redis_binary)

    assert second.ensure() is True
    assert talk(second).info("server")["redis_version"] == ".".join(map(str, redis_binary.version))


def test_an_upgrade_is_let_in_and_recorded(written, new_server, binary, talk):
    record = written / "server.json"
    record.write_text(json.dumps({"server": binary.flavour, "version": "7.0.0"}))

    server = new_server(written)
    server.ensure()

    assert talk(server).get("key") == "value"
    assert json.loads(record.read_text())["version"] == ".".join(map(str, binary.version))


@pytest.mark.parametrize("content", [None, "", "[]", '{"server": "valkey"}', '{"version": 9}'])
def test_data_of_an_unknown_server_is_refused(written, new_server, content):
    record = written / "server.json"
    record.unlink() if content is None else record.write_text(content)

    with pytest.raises(EmbeddedServerError, match="unknown server"):
        new_server(written).ensure()
