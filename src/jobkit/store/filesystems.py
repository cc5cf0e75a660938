"""Where a SQLite file may lie."""

from __future__ import annotations

import re
from pathlib import Path

from jobkit.errors import ConfigurationError

# Their locks are advisory at best, and none shares memory between machines, which WAL needs.
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "ncpfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse"}
)


def refuse_network(path: Path, mounts: Path = Path("/proc/mounts")) -> None:
    """Raise `ConfigurationError` if *path* lies on a file system of another machine.

    Only Linux lists its mounts in a file; elsewhere nothing is refused.
    """
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = _kind(path.resolve(), table)
    if kind in _NETWORK:
        raise ConfigurationError(
            f"{path} lies on a network file system ({kind}), where SQLite loses data; "
            "set JOBKIT_STORE_URL to a PostgreSQL or MariaDB database, or move JOBKIT_DATA_DIR "
            "to a local disk"
        )


def _kind(path: Path, table: str) -> str | None:
    """Return the type of the mount with the longest matching path; the last mounted wins."""
    found: tuple[int, str] | None = None
    for line in table.splitlines():
        _, point, kind, *_ = line.split(" ")
        mounted = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point))
        if path.is_relative_to(mounted) and (not found or len(mounted.parts) >= found[0]):
            found = (len(mounted.parts), kind)
    return found[1] if found else None
