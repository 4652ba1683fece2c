"""Indexes for replay, and dead letters that keep any bytes and may name nobody."""

import sqlalchemy as sa
from alembic import op

from adapters.sql.ddl import create_index, drop_index
from adapters.sql.types import identifier, message_body

revision = "0002"
down_revision = "0001"

DEAD_LETTER_INDEXES = ("message_id", "user_id", "error_type", "last_failed_at")


def upgrade() -> None:
    create_index("ix_user_interactions_product_id_occurred_at", "user_interactions", ["product_id", "occurred_at"])
    create_index("ix_user_interactions_occurred_at", "user_interactions", ["occurred_at"])
    drop_index("ix_user_interactions_product_id", "user_interactions")
    with op.batch_alter_table("dead_letters") as dead_letters:
        dead_letters.alter_column("user_id", existing_type=identifier(), nullable=True)
        dead_letters.alter_column("body", existing_type=sa.Text(), type_=message_body(), existing_nullable=False)
    for column in DEAD_LETTER_INDEXES:
        create_index(f"ix_dead_letters_{column}", "dead_letters", [column])


def downgrade() -> None:
    for column in DEAD_LETTER_INDEXES:
        drop_index(f"ix_dead_letters_{column}", "dead_letters")
    op.execute(sa.text("UPDATE dead_letters SET user_id = '' WHERE user_id IS NULL"))
    with op.batch_alter_table("dead_letters") as dead_letters:
        dead_letters.alter_column("body", existing_type=message_body(), type_=sa.Text(), existing_nullable=False)
        dead_letters.alter_column("user_id", existing_type=identifier(), nullable=False)
    create_index("ix_user_interactions_product_id", "user_interactions", ["product_id"])
    drop_index("ix_user_interactions_occurred_at", "user_interactions")
    drop_index("ix_user_interactions_product_id_occurred_at", "user_interactions")
