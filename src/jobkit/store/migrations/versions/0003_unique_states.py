"""Let a job keep its unique key in the states of its policy."""

import sqlalchemy as sa
from alembic import op

from jobkit.errors import ConfigurationError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MySQL commits each statement by itself: what is there already is not made again.
    present = {one["name"] for one in sa.inspect(op.get_bind()).get_columns("jobkit_jobs")}
    if "unique_states" not in present:
        op.add_column("jobkit_jobs", sa.Column("unique_states", sa.SmallInteger))


def downgrade() -> None:
    raise ConfigurationError("restore a backup: going back would lose jobs")
