from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobkit.adapters.bundled import LocalFiles

# Writes half a file, says so, and waits to be killed.
HALF_A_FILE = """
import sys, time
from jobkit.adapters.bundled import LocalFiles
with LocalFiles(sys.argv[1]).write("a/report.csv") as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def kill_a_writer_in(folder: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", HALF_A_FILE, str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)


def test_files_lie_under_their_names_and_nothing_beside_them(tmp_path: Path) -> None:
    with LocalFiles(tmp_path).write("a/report.csv") as file:
        file.write(b"whole")

    assert everything_in(tmp_path) == {"a/report.csv"}


def test_a_writing_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyError), LocalFiles(tmp_path).write("a/report.csv"):
        raise KeyError

    assert everything_in(tmp_path) == set()


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by a signal")
def test_what_a_killed_writer_left_is_swept_up_by_the_next(tmp_path: Path) -> None:
    kill_a_writer_in(tmp_path)
    (leftover,) = everything_in(tmp_path)
    assert leftover.startswith(".incomplete/")

    with LocalFiles(tmp_path).write("b/other.csv") as file:
        file.write(b"whole")

    assert everything_in(tmp_path) == {"b/other.csv"}


def test_a_writer_still_at_work_is_not_swept_up(tmp_path: Path) -> None:
    with LocalFiles(tmp_path).write("slow.csv") as slow:
        slow.write(b"slow")

        with LocalFiles(tmp_path).write("quick.csv") as quick:
            quick.write(b"quick")

    assert everything_in(tmp_path) == {"slow.csv", "quick.csv"}


def test_the_address_of_a_file_is_its_uri(tmp_path: Path) -> None:
    address = LocalFiles(tmp_path).url("a b/report.csv")

    assert address == (tmp_path / "a b" / "report.csv").as_uri()


def test_the_address_lies_where_the_host_serves_the_folder(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path, base_url="https://shop.example/files/")

    assert files.url("a b/report.csv") == "https://shop.example/files/a%20b/report.csv"


def test_a_relative_folder_stays_where_it_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = LocalFiles("files")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    with files.write("report.csv") as file:
        file.write(b"whole")

    assert everything_in(tmp_path) == {"files/report.csv"}
