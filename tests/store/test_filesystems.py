"""Where a SQLite file may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobkit.errors import ConfigurationError
from jobkit.store.filesystems import refuse_network

MOUNTS = r"""
/dev/sda1 / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
server:/export /srv nfs4 rw 0 0
/dev/sdb1 /srv/local xfs rw 0 0
//nas/share /mnt/my\040share cifs rw 0 0
server:/new /run/over nfs rw 0 0
tmpfs /run/over tmpfs rw 0 0
""".lstrip()


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(MOUNTS)
    return path


@pytest.mark.parametrize(
    "path", ["/srv/jobs.sqlite3", "/srv/localhost/jobs.sqlite3", "/mnt/my share/jobs.sqlite3"]
)
def test_a_network_file_system_is_refused(path: str, mounts: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"network file system \((nfs4|cifs)\)"):
        refuse_network(Path(path), mounts)


@pytest.mark.parametrize(
    "path", ["/home/jobs.sqlite3", "/srv/local/jobs.sqlite3", "/run/over/jobs.sqlite3"]
)
def test_a_local_file_system_is_taken(path: str, mounts: Path) -> None:
    refuse_network(Path(path), mounts)


def test_where_mounts_are_not_listed_nothing_is_refused(tmp_path: Path) -> None:
    refuse_network(Path("/srv/jobs.sqlite3"), tmp_path / "no such file")


def test_the_mounts_of_this_machine_can_be_read(tmp_path: Path) -> None:
    refuse_network(tmp_path / "jobs.sqlite3")
