"""Make the first tables.

MySQL commits each statement by itself, so a migration that breaks off leaves a part behind. Every
step here first looks whether it was done: running the migration again finishes it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, SmallInteger, String

from jobkit.errors import ConfigurationError
from jobkit.store.columns import JobId, Prose, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    table(
        "jobkit_jobs",
        Column("id", JobId, nullable=False),
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
        Column("schedule", String(200)),
        Column("scheduled_for", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_jobkit_jobs"),
        postgresql_with={"autovacuum_vacuum_scale_factor": 0.02, "vacuum_index_cleanup": "on"},
    )
    table(
        "jobkit_failures",
        Column("job_id", JobId, nullable=False),
        Column("n", Integer, nullable=False, autoincrement=False),
        Column("attempt", Integer, nullable=False),
        Column("at", UtcDateTime, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("type", Prose(200), nullable=False),
        Column("message", Prose, nullable=False),
        Column("traceback", Prose),
        sa.PrimaryKeyConstraint("job_id", "n", name="pk_jobkit_failures"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobkit_jobs.id"], name="fk_jobkit_failures_job_id", ondelete="CASCADE"
        ),
    )
    table(
        "jobkit_progress",
        Column("job_id", JobId, nullable=False),
        Column("done", BigInteger, nullable=False),
        Column("of", BigInteger),
        Column("note", Prose(500)),
        Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_jobkit_progress"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobkit_jobs.id"], name="fk_jobkit_progress_job_id", ondelete="CASCADE"
        ),
    )
    table(
        "jobkit_workers",
        Column("id", String(64), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_jobkit_workers"),
    )
    table(
        "jobkit_leases",
        Column("name", String(64), nullable=False),
        Column("holder", String(64), nullable=False),
        Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_jobkit_leases"),
    )
    table(
        "jobkit_queues",
        Column("name", String(100), nullable=False),
        Column("paused_at", UtcDateTime),
        sa.PrimaryKeyConstraint("name", name="pk_jobkit_queues"),
    )
    table(
        "jobkit_schedules",
        Column("name", String(200), nullable=False),
        Column("last_run_at", UtcDateTime),
        Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_jobkit_schedules"),
    )
    table(
        "jobkit_schedule_runs",
        Column("schedule", String(200), nullable=False),
        Column("run_at", UtcDateTime, nullable=False),
        Column("job_id", JobId, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("schedule", "run_at", name="pk_jobkit_schedule_runs"),
    )
    line = ["queue", "claim_order", "id"]
    if is_mysql():
        index("jobs", "state_line", ["state", *line])
        index("jobs", "state_due", ["state", "scheduled_at"])
        index("jobs", "state_held", ["state", "worker"])
        index("jobs", "state_ended", ["state", "finished_at"])
        index("jobs", "all_tenants", ["tenant_id", "id"])
        index("jobs", "foreign_id", ["foreign_id"], unique=True)
        index("jobs", "unique_key", ["unique_key"], unique=True)
    else:
        index("jobs", "line", line, where="state = 'available'")
        index("jobs", "due", ["scheduled_at"], where="state IN ('scheduled', 'retryable')")
        index("jobs", "held", ["worker"], where="state = 'executing'")
        index("jobs", "ended", ["state", "finished_at"], where="finished_at IS NOT NULL")
        index("jobs", "tenant", ["tenant_id", "id"], where="tenant_id IS NOT NULL")
        for name in ("foreign_id", "unique_key"):
            index("jobs", name, [name], unique=True, where=f"{name} IS NOT NULL")
    index("jobs", "task", ["task", "id"])
    index("schedule_runs", "job", ["job_id"])


def is_mysql() -> bool:
    return op.get_bind().dialect.name == "mysql"


def table(name: str, *parts: sa.schema.SchemaItem, **options: Any) -> None:
    op.create_table(name, *parts, if_not_exists=True, **OPTIONS, **options)


def index(
    table: str, name: str, columns: list[str], *, unique: bool = False, where: str | None = None
) -> None:
    full = f"{'uq' if unique else 'ix'}_jobkit_{table}_{name}"
    # CREATE INDEX IF NOT EXISTS is unknown to MySQL.
    present = sa.inspect(op.get_bind()).get_indexes(f"jobkit_{table}")
    if full in {one["name"] for one in present}:
        return
    condition: dict[str, Any] = (
        {} if where is None else dict.fromkeys(("postgresql_where", "sqlite_where"), sa.text(where))
    )
    op.create_index(full, f"jobkit_{table}", columns, unique=unique, **condition)


def downgrade() -> None:
    raise ConfigurationError("restore a backup: going back would lose jobs")
