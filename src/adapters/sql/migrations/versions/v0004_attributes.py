"""Attributes of products, and which products have a vector of the shop's own."""

import sqlalchemy as sa

from adapters.sql.ddl import add_column, create_index, create_table, drop_column, drop_table
from adapters.sql.types import ExactJson, identifier

revision = "0004"
down_revision = "0003"

PRODUCTS = ("product_embeddings", "product_changes")


def upgrade() -> None:
    for table in PRODUCTS:
        add_column(table, sa.Column("attributes", ExactJson()))
        add_column(table, sa.Column("own_vector", sa.Boolean()))
    create_table(
        "product_attributes",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String(256), primary_key=True),
        sa.Column("product_id", identifier(), primary_key=True),
        sqlite_with_rowid=False,
    )
    create_index("ix_product_attributes_product_id", "product_attributes", ["product_id"])


def downgrade() -> None:
    drop_table("product_attributes")
    for table in PRODUCTS:
        drop_column(table, "own_vector")
        drop_column(table, "attributes")
