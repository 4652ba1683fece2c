"""The catalogue and its changes under way, in SQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from adapters.sql import product_attributes
from adapters.sql.database import Database, repeated_when_lost
from adapters.sql.statements import add_to_counts, in_parts, insert_new, is_one_of, upsert
from adapters.sql.streams import streamed
from adapters.sql.tables import catalogue_revision, product_changes, product_embeddings
from application.ports.product_catalogue import CataloguePut, ProductStamp
from application.ports.product_changes import ProductChange
from domain.attributes import NO_ATTRIBUTES, Attributes, attributes_of, values_by_name
from domain.product import Product, ProductEmbedding
from domain.vectors import Matrix

FLOAT32_BYTES = 4

_products = product_embeddings
_HAS_OWN_VECTOR = sa.func.coalesce(_products.c.own_vector, False)


class SqlProductCatalogue:
    """Products by id; a put matches by revision. A row of another model or length has no vector to anybody."""

    def __init__(self, database: Database, dimensions: int, model: str) -> None:
        self._database = database
        self._dimensions = dimensions
        self._is_usable = sa.and_(
            _products.c.model == model, sa.func.length(_products.c.embedding) == FLOAT32_BYTES * dimensions
        )

    def revision(self) -> int:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(catalogue_revision.c.revision)) or 0

    def vectors(self, product_ids: Collection[str]) -> tuple[Sequence[str], Matrix]:
        query = sa.select(_products.c.product_id, _products.c.embedding).where(self._is_usable)
        with self._database.reading() as connection:
            rows = [
                row
                for part in in_parts(product_ids)
                for row in connection.execute(query.where(is_one_of(_products.c.product_id)), part).all()
            ]
        return [row.product_id for row in rows], matrix_of([row.embedding for row in rows], self._dimensions)

    def read(self, product_ids: Collection[str]) -> Mapping[str, ProductEmbedding]:
        with self._database.reading() as connection:
            return {
                row.product_id: _product_from(row)
                for part in in_parts(product_ids)
                for row in connection.execute(sa.select(_products).where(is_one_of(_products.c.product_id)), part).all()
            }

    def unknown(self, product_ids: Collection[str]) -> Collection[str]:
        query = sa.select(_products.c.product_id).where(self._is_usable)
        with self._database.reading() as connection:
            known = {
                product_id
                for part in in_parts(product_ids)
                for product_id in connection.scalars(query.where(is_one_of(_products.c.product_id)), part).all()
            }
        return set(product_ids) - known

    def outdated(self, limit: int) -> Sequence[Product]:
        query = sa.select(_products).where(sa.not_(self._is_usable), sa.not_(_HAS_OWN_VECTOR)).limit(limit)
        with self._database.reading() as connection:
            return [_product_from(row).product for row in connection.execute(query).all()]

    def outdated_own(self) -> Collection[str]:
        query = sa.select(_products.c.product_id).where(sa.not_(self._is_usable), _HAS_OWN_VECTOR)
        with self._database.reading() as connection:
            return connection.scalars(query).all()

    @repeated_when_lost
    def put(self, puts: Sequence[CataloguePut]) -> Collection[str]:
        product_ids = [_id_of(put) for put in puts]
        with self._database.writing() as connection:
            _count_revision(connection)
            revisions = _revisions_of(connection, product_ids)
            matched = [put for put in puts if revisions.get(_id_of(put), 0) == put.expected_revision]
            upsert(connection, _products, [_row_of(put.product) for put in matched])
            product_attributes.replace(connection, [put.product.product for put in matched])
        return set(product_ids) - {_id_of(put) for put in matched}

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        query = sa.select(_products.c.product_id, _products.c.embedding).where(self._is_usable)
        with self._database.reading() as connection, streamed(connection, query, page) as pages:
            for rows in pages:
                yield [row.product_id for row in rows], matrix_of([row.embedding for row in rows], self._dimensions)

    def stamps(self, after: str | None, limit: int) -> Sequence[ProductStamp]:
        query = (
            sa.select(_products.c.product_id, _products.c.revision, _products.c.updated_at)
            .where(self._is_usable)
            .order_by(_products.c.product_id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(_products.c.product_id > after)
        with self._database.reading() as connection:
            return [
                ProductStamp(product_id=row.product_id, revision=row.revision, updated_at=row.updated_at)
                for row in connection.execute(query)
            ]

    def having(self, wanted: Attributes) -> Collection[str]:
        with self._database.reading() as connection:
            return set(connection.scalars(product_attributes.products_having(wanted)))

    def attribute_names(self) -> Sequence[str]:
        with self._database.reading() as connection:
            return connection.scalars(product_attributes.NAMES).all()

    def count(self) -> int:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(_products)) or 0


class SqlProductChanges:
    """Product changes beside the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @repeated_when_lost
    def begin(self, puts: Sequence[CataloguePut]) -> None:
        with self._database.writing() as connection:
            insert_new(connection, product_changes, [_row_of(put.product) for put in puts])

    def under_way(self, limit: int) -> Sequence[ProductChange]:
        query = sa.select(product_changes).order_by(product_changes.c.id).limit(limit)
        with self._database.reading() as connection:
            return [
                ProductChange(
                    id=row.id, put=CataloguePut(product=_product_from(row), expected_revision=row.revision - 1)
                )
                for row in connection.execute(query).all()
            ]

    def product_ids(self) -> Collection[str]:
        with self._database.reading() as connection:
            return set(connection.scalars(sa.select(product_changes.c.product_id)))

    @repeated_when_lost
    def end(self, change_ids: Collection[int]) -> None:
        with self._database.writing() as connection:
            for part in in_parts(change_ids):
                connection.execute(sa.delete(product_changes).where(is_one_of(product_changes.c.id)), part)


def matrix_of(vectors: Sequence[Any], dimensions: int) -> Matrix:
    """Vectors as the rows of a matrix of shape (len(vectors), dimensions), float32."""
    return np.stack(vectors) if vectors else np.empty((0, dimensions), dtype=np.float32)


def _id_of(put: CataloguePut) -> str:
    return put.product.product.product_id


def _count_revision(connection: Connection) -> None:
    """Count one up. Whoever else puts waits here until this transaction ends."""
    add_to_counts(connection, catalogue_revision.c.revision, [{"id": 1, "revision": 1}])


def _revisions_of(connection: Connection, product_ids: Collection[str]) -> dict[str, int]:
    query = sa.select(_products.c.product_id, _products.c.revision)
    return {
        row.product_id: row.revision
        for part in in_parts(product_ids)
        for row in connection.execute(query.where(is_one_of(_products.c.product_id)), part).all()
    }


def _product_from(row: Row[Any]) -> ProductEmbedding:
    return ProductEmbedding(
        product=Product(
            product_id=row.product_id,
            text=row.text,
            attributes=attributes_of(row.attributes) if row.attributes is not None else NO_ATTRIBUTES,
            vector=row.embedding if row.own_vector else None,
        ),
        embedding=row.embedding,
        model=row.model,
        revision=row.revision,
        updated_at=row.updated_at,
    )


def _row_of(product: ProductEmbedding) -> dict[str, Any]:
    return {
        "product_id": product.product.product_id,
        "text": product.product.text,
        "embedding": product.embedding,
        "model": product.model,
        "revision": product.revision,
        "updated_at": product.updated_at,
        "attributes": values_by_name(product.product.attributes) or None,
        "own_vector": product.product.vector is not None,
    }
