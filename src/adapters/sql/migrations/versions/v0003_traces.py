"""What an event in the outbox belongs to, for those who trace it."""

import sqlalchemy as sa

from adapters.sql.ddl import add_column, drop_column

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    add_column("outbox", sa.Column("traceparent", sa.String(55)))


def downgrade() -> None:
    drop_column("outbox", "traceparent")
