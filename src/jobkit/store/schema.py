"""The tables of the job store.

A change here needs a migration beside it; a test compares the two on every database.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    text,
)

from jobkit.store.columns import JobId, Prose, UtcDateTime

HEAD = "0004"
"""The newest migration; the schema that this release reads and writes."""

VERSION_TABLE = "jobkit_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# Names are compared as written, letter case included, also where the database's default is not.
_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
# SQLAlchemy takes several dialects and says so, only its annotation does not.
_PARTIAL = ("postgresql", "sqlite")
_WHOLE = ("mysql", "mariadb")


def _table(name: str, *columns: Column[Any], **options: Any) -> Table:
    return Table(f"jobkit_{name}", metadata, *columns, **_OPTIONS, **options)


jobs = _table(
    "jobs",
    Column("id", JobId, primary_key=True),
    Column("task", String(200), nullable=False),
    Column("queue", String(100), nullable=False),
    Column("tenant_id", String(200)),
    Column("priority", SmallInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("payload", Prose, nullable=False),
    Column("result", Prose),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    # The order of claims: microseconds since 1970 of scheduled_at, less the head start of the
    # priority. One number holds priority and ageing, so that one index finds the best job.
    Column("claim_order", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("scheduled_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("claim_token", String(32)),
    Column("worker", String(64)),
    Column("cancel_requested", Boolean, nullable=False),
    Column("foreign_id", String(255)),
    Column("unique_key", String(64)),
    # The states beside the waiting ones in which the job keeps its unique_key, as bits.
    Column("unique_states", SmallInteger),
    Column("schedule", String(200)),
    Column("scheduled_for", UtcDateTime),
    # Claims wade through the index entries of jobs that have left their line until these are
    # vacuumed, and by default that waits for a fifth of the whole history to change.
    postgresql_with={"autovacuum_vacuum_scale_factor": 0.02, "vacuum_index_cleanup": "on"},
)

failures = _table(
    "failures",
    Column("job_id", JobId, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("type", Prose(200), nullable=False),
    Column("message", Prose, nullable=False),
    Column("traceback", Prose),
)

progress = _table(
    "progress",
    Column("job_id", JobId, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("done", BigInteger, nullable=False),
    Column("of", BigInteger),
    Column("note", Prose(500)),
    Column("at", UtcDateTime, nullable=False),
)

effects = _table(
    "effects",
    Column("job_id", JobId, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("key", String(200), primary_key=True),
    # Of the run that intended it last: while that run holds the job, the effect is under way.
    Column("claim_token", String(32), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("intended_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    Column("outcome", String(16)),
    Column("result", Prose),
)

steps = _table(
    "steps",
    Column("job_id", JobId, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("result", Prose, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("done_at", UtcDateTime, nullable=False),
)

cursors = _table(
    "cursors",
    Column("job_id", JobId, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("done", BigInteger, nullable=False),
    Column("cursor", Prose, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

workers = _table(
    "workers",
    Column("id", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pool", String(16), nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("queues", Prose, nullable=False),
    Column("busy", Integer, nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

leases = _table(
    "leases",
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

queues = _table(
    "queues",
    Column("name", String(100), primary_key=True),
    Column("paused_at", UtcDateTime),
)

schedules = _table(
    "schedules",
    Column("name", String(200), primary_key=True),
    Column("last_run_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("paused_at", UtcDateTime),
    # Those added at run time: what to run, when, and with which sealed payload.
    Column("task", String(200)),
    Column("payload", Prose),
    Column("definition", Prose),
    # Up to which run somebody was told that one is missing.
    Column("alerted_for", UtcDateTime),
)

schedule_runs = _table(
    "schedule_runs",
    Column("schedule", String(200), primary_key=True),
    Column("run_at", UtcDateTime, primary_key=True),
    Column("job_id", JobId, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Why there is no job, which then is the empty text: skipped, overlap.
    Column("note", String(16)),
    Column("period", String(32)),
)


def _index(name: str, *columns: Column[Any], where: str | None = None) -> None:
    condition = text(where) if where else None
    index = Index(name, *columns, postgresql_where=condition, sqlite_where=condition)
    if where:
        index.ddl_if(dialect=_PARTIAL)  # type: ignore[arg-type]


def _whole(name: str, *columns: Column[Any]) -> None:
    """Add what stands for a partial index on MySQL, which has none: the state comes first."""
    Index(name, *columns).ddl_if(dialect=_WHOLE)  # type: ignore[arg-type]


# Partial indexes hold the few rows that wait, not the history, and are smaller to keep.
# Claims read the head of a line in order; with the id, no tie has to be sorted.
_LINE = (jobs.c.queue, jobs.c.claim_order, jobs.c.id)
_index("ix_jobkit_jobs_line", *_LINE, where="state = 'available'")
_whole("ix_jobkit_jobs_state_line", jobs.c.state, *_LINE)
# The keeper stages what has become due, the longest due first.
_index("ix_jobkit_jobs_due", jobs.c.scheduled_at, where="state IN ('scheduled', 'retryable')")
_whole("ix_jobkit_jobs_state_due", jobs.c.state, jobs.c.scheduled_at)
# Rescue looks for what each worker holds.
_index("ix_jobkit_jobs_held", jobs.c.worker, where="state = 'executing'")
_whole("ix_jobkit_jobs_state_held", jobs.c.state, jobs.c.worker)
# Retention takes the oldest of each ended state.
_index("ix_jobkit_jobs_ended", jobs.c.state, jobs.c.finished_at, where="finished_at IS NOT NULL")
_whole("ix_jobkit_jobs_state_ended", jobs.c.state, jobs.c.finished_at)
# Listings page by id, of one tenant or one task; ids sort by time.
_index("ix_jobkit_jobs_tenant", jobs.c.tenant_id, jobs.c.id, where="tenant_id IS NOT NULL")
_whole("ix_jobkit_jobs_all_tenants", jobs.c.tenant_id, jobs.c.id)
Index("ix_jobkit_jobs_task", jobs.c.task, jobs.c.id)
# One job a foreign message, one job a piece of work. NULL stands beside NULL everywhere; where
# partial indexes exist the many NULLs are not even in it.
Index(
    "uq_jobkit_jobs_foreign_id",
    jobs.c.foreign_id,
    unique=True,
    postgresql_where=text("foreign_id IS NOT NULL"),
    sqlite_where=text("foreign_id IS NOT NULL"),
)
Index(
    "uq_jobkit_jobs_unique_key",
    jobs.c.unique_key,
    unique=True,
    postgresql_where=text("unique_key IS NOT NULL"),
    sqlite_where=text("unique_key IS NOT NULL"),
)
# Retention forgets the runs of the jobs it deletes.
Index("ix_jobkit_schedule_runs_job", schedule_runs.c.job_id)
# The oldest effect that nobody knows the end of.
_index("ix_jobkit_effects_open", effects.c.intended_at, where="done_at IS NULL")
_whole("ix_jobkit_effects_done_open", effects.c.done_at, effects.c.intended_at)
# A period has one run, also if two ways lead to it at once. NULL stands beside NULL.
Index(
    "uq_jobkit_schedule_runs_period", schedule_runs.c.schedule, schedule_runs.c.period, unique=True
)
