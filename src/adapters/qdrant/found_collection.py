"""A collection as it is."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen
from qdrant_client import QdrantClient, models

from adapters.qdrant.collection_plans import DISTANCE, CollectionPlan


@frozen(kw_only=True)
class FoundCollection:
    """What the server says of a collection."""

    name: str
    info: models.CollectionInfo

    @classmethod
    def of(cls, client: QdrantClient, name: str) -> "FoundCollection":
        return cls(name=name, info=client.get_collection(name))

    @property
    def vectors(self) -> str:
        """The vectors that it is for, in words."""
        found = self.info.config.params.vectors
        if not isinstance(found, models.VectorParams):
            return "vectors with names"
        return f"vectors of {found.size} dimensions by {found.distance.value}"

    def is_for(self, dimensions: int) -> bool:
        """Whether it is for our vectors."""
        found = self.info.config.params.vectors
        return isinstance(found, models.VectorParams) and (found.size, found.distance) == (dimensions, DISTANCE)

    def missing_indexes(self, plan: CollectionPlan) -> Sequence[str]:
        """The keys that have no index of the right kind."""
        there = {key: found.data_type for key, found in self.info.payload_schema.items()}
        return [key for key, kind in plan.indexes.items() if there.get(key) != kind]


def found_collections(client: QdrantClient, names: Iterable[str]) -> Mapping[str, FoundCollection]:
    """Those of these that are there; an alias is no collection."""
    there = {found.name for found in client.get_collections().collections}
    return {name: FoundCollection.of(client, name) for name in names if name in there}
