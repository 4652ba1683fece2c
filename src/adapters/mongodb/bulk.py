"""Unordered bulk writes in which losing is no error."""

from collections.abc import Collection, Sequence

from attrs import frozen
from pymongo import InsertOne, ReplaceOne
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import BulkWriteError

from adapters.mongodb.database import Document
from adapters.mongodb.errors import DUPLICATE_KEY

Operation = InsertOne[Document] | ReplaceOne[Document]


@frozen(kw_only=True)
class BulkOutcome:
    """What came of a bulk.

    Parameters
    ----------
    written : how many documents were replaced or inserted.
    kept_out : indexes of the operations whose document was kept out by another one with its key and without its id.
    """

    written: int
    kept_out: Collection[int]


def write_bulk(collection: MongoCollection[Document], operations: Sequence[Operation]) -> BulkOutcome:
    """Carry out all of these. Raises BulkWriteError where anything but a taken key went wrong."""
    if not operations:
        return BulkOutcome(written=0, kept_out=())
    try:
        result = collection.bulk_write(operations, ordered=False)
    except BulkWriteError as error:
        problems: list[Document] = error.details["writeErrors"]
        if error.details["writeConcernErrors"] or any(p["code"] != DUPLICATE_KEY for p in problems):
            raise
        refused = {p["index"] for p in problems}
        # Counted here: not every server leaves the refused ones out of its number of inserted documents.
        inserted = sum(type(o) is InsertOne and at not in refused for at, o in enumerate(operations))
        written = inserted + error.details["nMatched"] + error.details["nUpserted"]
        return BulkOutcome(written=written, kept_out={p["index"] for p in problems if "index: _id_" not in p["errmsg"]})
    return BulkOutcome(written=result.inserted_count + result.matched_count + result.upserted_count, kept_out=())


def remove_strays(collection: MongoCollection[Document], key: str, ids: Sequence[str]) -> None:
    """Remove documents that have one of these as their `key` and another `_id`.

    Penchant writes none of those, and as long as one is there, it keeps the real document out.
    """
    if ids:
        collection.delete_many({key: {"$in": ids}, "_id": {"$nin": ids}})


def lacks(field: str, condition: Document) -> Document:
    """A filter for documents whose `field` is missing or does not meet `condition`. A list is not its elements."""
    return {"$nor": [{field: {**condition, "$not": {"$type": "array"}}}]}
