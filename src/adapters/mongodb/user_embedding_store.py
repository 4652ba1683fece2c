"""User embeddings in MongoDB."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pymongo import ASCENDING, InsertOne, ReplaceOne

from adapters.mongodb.bulk import Operation, lacks, remove_strays, write_bulk
from adapters.mongodb.database import Document, MongoDatabase
from adapters.mongodb.user_document import NO_WRITE_ID, SCHEMA_VERSION, document_of, state_from
from adapters.mongodb.vectors import pages_of
from application.ports.user_embedding_store import StateWrite
from domain.user_embedding import UserEmbedding
from domain.vectors import Matrix

COLLECTION = "user_embeddings"


class MongoUserEmbeddingStore:
    """Compare-and-set by replacing the document of a user and a `write_id`, or an insert where there must be none.

    A document is replaced whole: fields that others have put into it go, with whatever they broke.
    """

    def __init__(self, database: MongoDatabase, dimensions: int) -> None:
        self._database = database
        self._dimensions = dimensions
        self._states = database.collection(COLLECTION)

    def read(self, user_ids: Collection[str]) -> Mapping[str, UserEmbedding]:
        with self._database.translated():
            return {d["_id"]: state_from(d) for d in self._database.find_by_id(self._states, user_ids)}

    def write(self, writes: Sequence[StateWrite]) -> int:
        with self._database.translated():
            outcome = write_bulk(self._states, [_operation(write) for write in writes])
            remove_strays(self._states, "user_id", [writes[at].state.user_id for at in outcome.kept_out])
        return len(writes) - outcome.written

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        following: Document = {"$gte": ""} if after is None else {"$gt": after}
        with self._database.translated():
            found = self._states.find({"_id": following}, {"_id": 1}, sort=[("_id", ASCENDING)], limit=limit)
            return [document["_id"] for document in found]

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        query = {"embedding": {"$ne": None}, "schema_version": SCHEMA_VERSION}
        with self._database.translated(), self._states.find(query, {"embedding": 1}, batch_size=page) as found:
            yield from pages_of(found, self._dimensions, page)

    def count(self) -> int:
        with self._database.translated():
            return self._database.count(self._states)


def _operation(write: StateWrite) -> Operation:
    document = document_of(write.state)
    if write.expected is None:
        return InsertOne(document)
    return ReplaceOne(_as_seen(write.state.user_id, write.expected), document)


def _as_seen(user_id: str, expected: str) -> Document:
    """A filter for the document of a user as it was read."""
    if expected == NO_WRITE_ID:
        # Whoever replaces it gives it a write_id, so of two that have read it thus, the second one does not match.
        return {"_id": user_id, **lacks("write_id", {"$type": "string"})}
    return {"_id": user_id, "write_id": expected}
