"""The dead man's switch: telling when a run that was expected has not completed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from jobkit.job import JobState
from jobkit.logs import get_logger
from jobkit.schedules.due import latest_run
from jobkit.store import scheduling
from jobkit.store.scheduling import ScheduleRow
from jobkit.timetable.lines import Line

if TYPE_CHECKING:
    from jobkit.timetable.timetable import Timetable

logger = get_logger("jobkit.schedules")


@dataclass(frozen=True)
class MissingRun:
    """Describe a run that should have completed by now."""

    schedule: str
    run_at: datetime
    state: str | None
    """The state of its job, or None where the run was never enqueued."""

    job_id: str | None = None
    tenant_id: str | None = None


MissingHook = Callable[[MissingRun], None]


def watch(timetable: Timetable) -> list[MissingRun]:
    """Tell each missing run once, whoever else watches; returns those told by this call."""
    entries = [one for one in timetable.entries() if one.policy.alert_after is not None]
    if not entries:
        return []
    database = timetable.application.database
    with database.read() as conn:
        rows = scheduling.rows(conn, marked=False)
    told = []
    for entry in entries:
        own = rows.get(entry.name)
        paused = own is not None and own.paused_at is not None
        for line in timetable.lines.of(entry):
            missing = _missing(timetable, line, rows.get(line.name), paused)
            if missing is not None and _mine(timetable, missing):
                told.append(missing)
                _tell(timetable, missing)
    return told


def _mine(timetable: Timetable, missing: MissingRun) -> bool:
    return timetable.application.database.write(
        lambda conn: scheduling.alert_once(conn, missing.schedule, missing.run_at)
    )


def _missing(
    timetable: Timetable, line: Line, row: ScheduleRow | None, paused: bool
) -> MissingRun | None:
    database, now = timetable.application.database, timetable.application.clock.now()
    if paused or row is None or row.alerted_for is None:
        # Nothing was expected before it was first seen, or while it was paused.
        database.write(lambda conn: scheduling.change(conn, line.name, now, alerted_for=now))
        return None
    assert line.policy.alert_after is not None
    by = now - timedelta(seconds=line.policy.alert_after)
    if by <= row.alerted_for:
        return None
    run_at = latest_run(line.schedule, row.alerted_for, by)
    if run_at is None:
        return None

    def look(conn: Connection) -> MissingRun | None:
        found = scheduling.run_of(conn, line.name, run_at)
        if found is None:
            return MissingRun(line.name, run_at, None, None, line.tenant_id)
        job_id, note = found
        state = scheduling.state_of_job(conn, job_id) if note is None else None
        if state in (None, JobState.COMPLETED):
            return None
        return MissingRun(line.name, run_at, state, job_id, line.tenant_id)

    with database.read() as conn:
        return look(conn)


def _tell(timetable: Timetable, missing: MissingRun) -> None:
    logger.warning(
        "a scheduled run is missing", schedule=missing.schedule,
        run_at=missing.run_at.isoformat(), job=missing.job_id,
        state=missing.state or "never enqueued",
    )  # fmt: skip
    for hook in timetable.missing_hooks:
        try:
            hook(missing)
        except Exception:
            logger.exception("a hook for missing runs failed", hook=repr(hook))
