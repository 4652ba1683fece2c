"""The first tables."""

import sqlalchemy as sa
from alembic import op

from adapters.sql.ddl import create_index, create_table
from adapters.sql.types import (
    ExactJson,
    Float32Vector,
    UtcDateTime,
    big_integer,
    identifier,
    long_text,
    normalized_phrase,
    queue_name,
    sha256_digest,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_table(
        "user_interactions",
        sa.Column("id", big_integer(), primary_key=True, autoincrement=True),
        sa.Column("message_id", identifier(), nullable=False),
        sa.Column("user_id", identifier(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.String(16)),
        sa.Column("product_id", identifier()),
        sa.Column("search_phrase", sa.String(1000)),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("retracts", identifier()),
        sa.Column("user_session", identifier()),
        sa.Column("properties", ExactJson()),
        sa.UniqueConstraint("message_id", name="uq_user_interactions_message_id"),
        sa.UniqueConstraint("user_id", "position", name="uq_user_interactions_user_id_position"),
        sqlite_autoincrement=True,
    )
    create_index(
        "uq_user_interactions_retracts",
        "user_interactions",
        ["retracts"],
        unique=True,
        sqlite_where=sa.text("retracts IS NOT NULL"),
    )
    create_index("ix_user_interactions_product_id", "user_interactions", ["product_id"])
    create_table(
        "user_heads",
        sa.Column("user_id", identifier(), primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
    )
    create_table(
        "outbox",
        sa.Column("id", big_integer(), primary_key=True, autoincrement=True),
        sa.Column("user_id", identifier(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("first_failed_at", UtcDateTime()),
        sqlite_autoincrement=True,
    )
    create_table(
        "registry",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("text", long_text(), nullable=False),
    )
    create_table(
        "phrase_vectors",
        sa.Column("model", identifier(), primary_key=True),
        sa.Column("phrase_hash", sha256_digest(), primary_key=True),
        sa.Column("phrase", normalized_phrase(), nullable=False),
        sa.Column("embedding", Float32Vector(), nullable=False),
    )
    create_table(
        "product_changes",
        sa.Column("id", big_integer(), primary_key=True, autoincrement=True),
        sa.Column("product_id", identifier(), nullable=False),
        sa.Column("embedding", Float32Vector(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model", identifier(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("product_id", name="uq_product_changes_product_id"),
        sqlite_autoincrement=True,
    )
    create_table(
        "dead_letters",
        sa.Column("queue", queue_name(), primary_key=True),
        sa.Column("message_id", identifier(), primary_key=True),
        sa.Column("user_id", identifier(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("error_type", sa.String(64), nullable=False),
        sa.Column("error_text", long_text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_failed_at", UtcDateTime(), nullable=False),
        sa.Column("last_failed_at", UtcDateTime(), nullable=False),
    )
    create_table(
        "product_embeddings",
        sa.Column("product_id", identifier(), primary_key=True),
        sa.Column("embedding", Float32Vector(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model", identifier(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    create_table(
        "catalogue_revision",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
    )
    create_table(
        "user_embeddings",
        sa.Column("user_id", identifier(), primary_key=True),
        sa.Column("embedding", Float32Vector()),
        sa.Column("norm", sa.Double(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("error", sa.Double(), nullable=False),
        sa.Column("as_of", UtcDateTime()),
        sa.Column("last_updated", UtcDateTime(), nullable=False),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("missing", ExactJson(), nullable=False),
        sa.Column("missing_after_rebuild", sa.BigInteger(), nullable=False),
        sa.Column("recipe", sa.String(64), nullable=False),
        sa.Column("model", identifier(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("write_id", sa.String(36), nullable=False),
    )


def downgrade() -> None:
    for table in (
        "user_embeddings",
        "catalogue_revision",
        "product_embeddings",
        "dead_letters",
        "product_changes",
        "phrase_vectors",
        "registry",
        "outbox",
        "user_heads",
        "user_interactions",
    ):
        op.drop_table(table)
