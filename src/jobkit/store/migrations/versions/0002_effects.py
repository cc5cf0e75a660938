"""Make the ledger of effects, and the tables of steps and cursors.

As in the first migration, every step looks whether it was done: one that broke off is finished by
running it again.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String

from jobkit.errors import ConfigurationError
from jobkit.store.columns import JobId, Prose, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    table(
        "effects",
        "key",
        Column("claim_token", String(32), nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("intended_at", UtcDateTime, nullable=False),
        Column("done_at", UtcDateTime),
        Column("outcome", String(16)),
        Column("result", Prose),
    )
    table(
        "steps",
        "name",
        Column("result", Prose, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("done_at", UtcDateTime, nullable=False),
    )
    table(
        "cursors",
        "name",
        Column("done", BigInteger, nullable=False),
        Column("cursor", Prose, nullable=False),
        Column("at", UtcDateTime, nullable=False),
    )
    if op.get_bind().dialect.name == "mysql":
        index("ix_jobkit_effects_done_open", ["done_at", "intended_at"])
    else:
        index("ix_jobkit_effects_open", ["intended_at"], where="done_at IS NULL")


def table(name: str, key: str, *columns: Column[Any]) -> None:
    op.create_table(
        f"jobkit_{name}",
        Column("job_id", JobId, nullable=False),
        Column(key, String(200), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("job_id", key, name=f"pk_jobkit_{name}"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobkit_jobs.id"], name=f"fk_jobkit_{name}_job_id", ondelete="CASCADE"
        ),
        if_not_exists=True,
        **OPTIONS,
    )


def index(name: str, columns: list[str], where: str | None = None) -> None:
    # CREATE INDEX IF NOT EXISTS is unknown to MySQL.
    present = sa.inspect(op.get_bind()).get_indexes("jobkit_effects")
    if name in {one["name"] for one in present}:
        return
    condition = sa.text(where) if where else None
    op.create_index(
        name, "jobkit_effects", columns, postgresql_where=condition, sqlite_where=condition
    )


def downgrade() -> None:
    raise ConfigurationError("restore a backup: going back would lose which effects were done")
