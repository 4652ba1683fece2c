"""The tables (design, section 5). `migrations/` makes them; a test holds both against each other."""

import sqlalchemy as sa

from adapters.sql.types import (
    ExactJson,
    Float32Vector,
    UtcDateTime,
    big_integer,
    identifier,
    long_text,
    message_body,
    normalized_phrase,
    queue_name,
    sha256_digest,
)
from domain.attributes import MAX_NAME_LENGTH, MAX_VALUE_LENGTH

metadata = sa.MetaData()

user_interactions = sa.Table(
    "user_interactions",
    metadata,
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
    sa.Index("uq_user_interactions_retracts", "retracts", unique=True, sqlite_where=sa.text("retracts IS NOT NULL")),
    sa.Index("ix_user_interactions_product_id_occurred_at", "product_id", "occurred_at"),
    sa.Index("ix_user_interactions_occurred_at", "occurred_at"),
    sqlite_autoincrement=True,
)

user_heads = sa.Table(
    "user_heads",
    metadata,
    sa.Column("user_id", identifier(), primary_key=True),
    sa.Column("position", sa.BigInteger(), nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", big_integer(), primary_key=True, autoincrement=True),
    sa.Column("user_id", identifier(), nullable=False),
    sa.Column("position", sa.BigInteger(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("due_at", UtcDateTime()),
    sa.Column("first_failed_at", UtcDateTime()),
    sa.Column("traceparent", sa.String(55)),
    sqlite_autoincrement=True,
)

registry = sa.Table(
    "registry",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("text", long_text(), nullable=False),
)

phrase_vectors = sa.Table(
    "phrase_vectors",
    metadata,
    sa.Column("model", identifier(), primary_key=True),
    sa.Column("phrase_hash", sha256_digest(), primary_key=True),  # a phrase itself is too long for a key on MySQL
    sa.Column("phrase", normalized_phrase(), nullable=False),
    sa.Column("embedding", Float32Vector(), nullable=False),
)

product_changes = sa.Table(
    "product_changes",
    metadata,
    sa.Column("id", big_integer(), primary_key=True, autoincrement=True),
    sa.Column("product_id", identifier(), nullable=False),
    sa.Column("embedding", Float32Vector(), nullable=False),
    sa.Column("text", sa.Text(), nullable=False),
    sa.Column("model", identifier(), nullable=False),
    sa.Column("revision", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", UtcDateTime(), nullable=False),
    sa.Column("attributes", ExactJson()),
    sa.Column("own_vector", sa.Boolean()),
    sa.UniqueConstraint("product_id", name="uq_product_changes_product_id"),
    sqlite_autoincrement=True,
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("queue", queue_name(), primary_key=True),
    sa.Column("message_id", identifier(), primary_key=True),
    sa.Column("user_id", identifier()),
    sa.Column("body", message_body(), nullable=False),
    sa.Column("error_type", sa.String(64), nullable=False),
    sa.Column("error_text", long_text(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("first_failed_at", UtcDateTime(), nullable=False),
    sa.Column("last_failed_at", UtcDateTime(), nullable=False),
    sa.Index("ix_dead_letters_message_id", "message_id"),
    sa.Index("ix_dead_letters_user_id", "user_id"),
    sa.Index("ix_dead_letters_error_type", "error_type"),
    sa.Index("ix_dead_letters_last_failed_at", "last_failed_at"),
)

product_embeddings = sa.Table(
    "product_embeddings",
    metadata,
    sa.Column("product_id", identifier(), primary_key=True),
    sa.Column("embedding", Float32Vector(), nullable=False),
    sa.Column("text", sa.Text(), nullable=False),
    sa.Column("model", identifier(), nullable=False),
    sa.Column("revision", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", UtcDateTime(), nullable=False),
    sa.Column("attributes", ExactJson()),
    sa.Column("own_vector", sa.Boolean()),
)

product_attributes = sa.Table(
    "product_attributes",
    metadata,
    sa.Column("name", sa.String(MAX_NAME_LENGTH), primary_key=True),
    sa.Column("value", sa.String(MAX_VALUE_LENGTH), primary_key=True),
    sa.Column("product_id", identifier(), primary_key=True),
    sa.Index("ix_product_attributes_product_id", "product_id"),
    sqlite_with_rowid=False,
)
"""The attributes of `product_embeddings` once more, for who asks which products have some."""

catalogue_revision = sa.Table(
    "catalogue_revision",
    metadata,
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger(), nullable=False),
)

user_embeddings = sa.Table(
    "user_embeddings",
    metadata,
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
