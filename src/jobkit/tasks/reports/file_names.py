"""Names under which reports are stored."""

from __future__ import annotations

import hashlib
import re

_MOST = 40


def report_name(kind: str, tenant_id: str, job_id: str, ending: str, *details: object) -> str:
    """Return the name of the file that a job makes: the same at every attempt.

    So a retried job replaces its own file, and no job replaces another's.
    """
    parts = "_".join([kind, *map(str, details), job_id])
    return f"reports/{folder_name(tenant_id)}/{parts}.{ending}"


def folder_name(tenant_id: str) -> str:
    """Return *tenant_id* as a folder's name; ids that differ give names that differ."""
    name = re.sub(r"[^a-z0-9_-]+", "-", tenant_id)[:_MOST]
    if name == tenant_id:
        return name
    return f"{name}-{hashlib.sha256(tenant_id.encode()).hexdigest()[:12]}"
