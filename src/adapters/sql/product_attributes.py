"""The table that says which products have an attribute."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.sql.statements import in_parts, insert_new, is_one_of
from adapters.sql.tables import product_attributes
from domain.attributes import Attributes, values_by_name
from domain.product import Product

_columns = product_attributes.c

NAMES = sa.select(_columns.name).distinct().order_by(_columns.name)


def replace(connection: Connection, products: Sequence[Product]) -> None:
    """Store the attributes of these products in place of those that they had."""
    for part in in_parts([product.product_id for product in products]):
        connection.execute(sa.delete(product_attributes).where(is_one_of(_columns.product_id)), part)
    rows = [
        {"name": name, "value": value, "product_id": product.product_id}
        for product in products
        for name, value in product.attributes
    ]
    insert_new(connection, product_attributes, rows)


def products_having(wanted: Attributes) -> sa.Select[tuple[str]]:
    """A query for the ids of the products that have one of the values of each name; one may come several times."""
    (name, values), *others = values_by_name(wanted).items()
    query = sa.select(_columns.product_id).where(_columns.name == name, _columns.value.in_(values))
    return query.where(*(_also_has(name, values) for name, values in others))


def _also_has(name: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    other = product_attributes.alias()
    return sa.exists().where(other.c.name == name, other.c.value.in_(values), other.c.product_id == _columns.product_id)
