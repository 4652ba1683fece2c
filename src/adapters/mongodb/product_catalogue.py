"""The catalogue in MongoDB."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from bson.objectid import ObjectId
from pymongo import ASCENDING, ReplaceOne

from adapters.mongodb.bulk import lacks, remove_strays, write_bulk
from adapters.mongodb.database import Document, MongoDatabase
from adapters.mongodb.product_document import (
    SCHEMA_VERSION,
    STAMP_FIELDS,
    attributes_from,
    document_of,
    has_revision,
    product_from,
    stamp_from,
)
from adapters.mongodb.vectors import pages_of, rows_of
from application.ports.product_catalogue import CataloguePut, ProductStamp
from domain.attributes import Attributes, values_by_name
from domain.errors import InvalidValueError
from domain.product import Product, ProductEmbedding
from domain.vectors import Matrix

COLLECTION = "product_embeddings"
REVISION_COLLECTION = "catalogue_revision"

IDS_AT_ONCE = 10_000

_REVISION_ID = "catalogue"


class MongoProductCatalogue:
    """Products by id; a put matches by revision.

    The revision of the catalogue is an ObjectId that each `put` sets anew, after the products. Say a cache holds an old
    vector under revision R. It had asked for R before it read the vector, hence before the put that replaced it had
    reached a majority, hence before that put set its own revision, which nobody had before. From then on R does not
    come again, so beyond the return of the put the cache is not used. If a process dies between the two, its put has
    not returned; whoever resumes it puts again, and a put sets the revision even if nothing matches (ADR 0006). Setting
    it before as well would add nothing: a cache that saw it could still read the old vectors. A counter would come to
    the same number twice after a failover, a restored backup or a lost collection; an ObjectId does not.
    """

    def __init__(self, database: MongoDatabase, dimensions: int, model: str) -> None:
        self._database = database
        self._dimensions = dimensions
        self._model = model
        self._usable = {"model": model, "dimensions": dimensions, "schema_version": SCHEMA_VERSION}
        self._products = database.collection(COLLECTION)
        self._revision = database.collection(REVISION_COLLECTION)

    def revision(self) -> int:
        with self._database.translated():
            document = self._revision.find_one({"_id": _REVISION_ID})
        mark = document.get("revision") if document is not None else None
        return int.from_bytes(mark.binary) if isinstance(mark, ObjectId) else 0

    def vectors(self, product_ids: Collection[str]) -> tuple[Sequence[str], Matrix]:
        with self._database.translated():
            found = self._database.find_by_id(self._products, product_ids, self._usable, {"embedding": 1})
            return rows_of(found, self._dimensions)

    def read(self, product_ids: Collection[str]) -> Mapping[str, ProductEmbedding]:
        with self._database.translated():
            found = self._database.find_by_id(self._products, product_ids)
            return {document["_id"]: product_from(document) for document in found if has_revision(document)}

    def unknown(self, product_ids: Collection[str]) -> Collection[str]:
        return set(product_ids) - set(self.vectors(product_ids)[0])

    def outdated(self, limit: int) -> Sequence[Product]:
        query = {"$or": self._of_other_models(), "own_vector": {"$ne": True}}
        with self._database.translated(), self._products.find(query, {"text": 1, "attributes": 1}) as found:
            return list(islice(_products_from(found), limit))

    def outdated_own(self) -> Collection[str]:
        return self._ids({"$or": self._of_other_models(), "own_vector": True})

    def put(self, puts: Sequence[CataloguePut]) -> Collection[str]:
        """As the port says; and a product that was put and then changed by somebody else at once may be named too."""
        put_id = ObjectId()
        operations = [
            ReplaceOne(_as_seen(put), document_of(put.product, put_id), upsert=put.expected_revision == 0)
            for put in puts
        ]
        with self._database.translated():
            outcome = write_bulk(self._products, operations)
            remove_strays(self._products, "product_id", [_id_of(puts[at]) for at in outcome.kept_out])
            stored = self._stored(puts, outcome.written, put_id)
            self._revision.replace_one({"_id": _REVISION_ID}, {"revision": ObjectId()}, upsert=True)
        return {_id_of(put) for put in puts} - stored

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        find = self._products.find
        with self._database.translated(), find(self._usable, {"embedding": 1}, batch_size=page) as found:
            yield from pages_of(found, self._dimensions, page)

    def stamps(self, after: str | None, limit: int) -> Sequence[ProductStamp]:
        """As the port says; whether text and vector of a product make sense is seen by whoever reads it."""
        following: Document = {"$gte": ""} if after is None else {"$gt": after}
        query, order = {"_id": following, **self._usable}, [("_id", ASCENDING)]
        find = self._products.find
        # The limit is ours, not the server's: a page of documents that make no sense would look like the end.
        with self._database.translated(), find(query, STAMP_FIELDS, sort=order, batch_size=limit) as found:
            return list(islice((stamp for d in found if (stamp := stamp_from(d)) is not None), limit))

    def having(self, wanted: Attributes) -> Collection[str]:
        values = values_by_name(wanted).items()
        matches = [{"attributes": {"$elemMatch": {"name": name, "value": {"$in": some}}}} for name, some in values]
        return self._ids({"$and": matches})

    def attribute_names(self) -> Sequence[str]:
        with self._database.translated():
            return sorted(name for name in self._products.distinct("attributes.name") if isinstance(name, str))

    def count(self) -> int:
        with self._database.translated():
            return self._database.count(self._products)

    def _of_other_models(self) -> list[Document]:
        of_another_length = {"model": self._model, "dimensions": {"$ne": self._dimensions}}
        return [{"model": {"$ne": self._model}}, of_another_length]

    def _ids(self, query: Document) -> Collection[str]:
        with self._database.translated(), self._products.find(query, {"_id": 1}, batch_size=IDS_AT_ONCE) as found:
            return {document["_id"] for document in found if isinstance(document["_id"], str)}

    def _stored(self, puts: Sequence[CataloguePut], written: int, put_id: ObjectId) -> set[str]:
        """The ids of the products that the call `put_id` has stored. A bulk says how many these are, not which."""
        ids = {_id_of(put) for put in puts}
        if written == len(puts):
            return ids
        return {d["_id"] for d in self._database.find_by_id(self._products, ids, {"put_id": put_id}, {"_id": 1})}


def _as_seen(put: CataloguePut) -> Document:
    """A filter for the document that a put expects; with 0, for one whose revision nobody can name."""
    if put.expected_revision == 0:
        return {"_id": _id_of(put), **lacks("revision", {"$type": ["int", "long"], "$gte": 1})}
    return {"_id": _id_of(put), "revision": put.expected_revision}


def _products_from(documents: Iterator[Document]) -> Iterator[Product]:
    """The products among these that can be embedded anew."""
    for document in documents:
        with suppress(InvalidValueError, ValueError):
            attributes = attributes_from(document)
            yield Product(product_id=document["_id"], text=document.get("text"), attributes=attributes)  # type: ignore[arg-type]


def _id_of(put: CataloguePut) -> str:
    return put.product.product.product_id
