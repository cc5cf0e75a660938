"""Let schedules be paused, defined at run time, and have one run a period.

Every step first looks whether it was done: running the migration again finishes it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column, String

from jobkit.errors import ConfigurationError
from jobkit.store.columns import Prose, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column("schedules", Column("paused_at", UtcDateTime))
    column("schedules", Column("task", String(200)))
    column("schedules", Column("payload", Prose))
    column("schedules", Column("definition", Prose))
    column("schedules", Column("alerted_for", UtcDateTime))
    column("schedule_runs", Column("note", String(16)))
    column("schedule_runs", Column("period", String(32)))
    name = "uq_jobkit_schedule_runs_period"
    present = sa.inspect(op.get_bind()).get_indexes("jobkit_schedule_runs")
    if name not in {one["name"] for one in present}:
        op.create_index(name, "jobkit_schedule_runs", ["schedule", "period"], unique=True)


def column(table: str, new: sa.Column[Any]) -> None:
    full = f"jobkit_{table}"
    present = {one["name"] for one in sa.inspect(op.get_bind()).get_columns(full)}
    if new.name not in present:
        op.add_column(full, new)


def downgrade() -> None:
    raise ConfigurationError("restore a backup: going back would lose jobs")
