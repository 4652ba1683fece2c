"""Collections and aliases: made by `penchant setup`, looked at by `penchant doctor`, switched when a model changes."""

from collections.abc import Mapping, Sequence

from qdrant_client import QdrantClient, models

from adapters.qdrant.aliases import collections_behind, point_aliases
from adapters.qdrant.collection_plans import DISTANCE, HNSW, PLANS, CollectionPlan, collection_name
from adapters.qdrant.errors import CLIENT_ERRORS
from adapters.qdrant.examination import Examination
from adapters.qdrant.found_collection import FoundCollection, found_collections
from adapters.qdrant.server import QdrantServer
from application.ports.examinable import Finding
from domain.errors import ConfigurationError, NotSetUpError


class QdrantSchema:
    """The collections of one embedding model, and the aliases that searches use."""

    def __init__(self, server: QdrantServer, model: str, dimensions: int) -> None:
        self._server = server
        self._dimensions = dimensions
        self._names = {plan: collection_name(plan.alias, model, dimensions) for plan in PLANS}

    def install(self) -> Sequence[str]:
        """As the port says. Aliases that are there already stay where they are: `go_live` switches them."""
        with self._server.translated() as client:
            made = [line for plan in PLANS for line in self._install(client, plan)]
            behind = collections_behind(client)
            missing = {alias: name for alias, name in self._aliases.items() if alias not in behind}
            if missing:
                point_aliases(client, missing)
        return [*made, *(f"Made the alias {alias} of the collection {name}." for alias, name in missing.items())]

    def require(self) -> None:
        """Raise ConfigurationError where a collection is missing or is not for vectors of this size."""
        with self._server.translated() as client:
            found = found_collections(client, self._names.values())
        if missing := [name for name in self._names.values() if name not in found]:
            raise NotSetUpError(f"{self._server.where} has no collection {', '.join(missing)}. Run `penchant setup`.")
        for collection in found.values():
            self._refuse_other_vectors(collection)

    def prepare(self) -> None:
        """The same, but make ours where those of another model are searched: somebody has set this server up."""
        with self._server.translated() as client:
            behind = collections_behind(client)
        is_set_up = all(plan.is_ours(behind.get(plan.alias, "")) for plan in PLANS)
        if is_set_up and not self._are_live(behind):
            self.install()
        self.require()

    def examine(self) -> Sequence[Finding]:
        return Examination(self._server, self._names, self._dimensions).findings()

    def is_live(self) -> bool:
        with self._server.translated() as client:
            return self._are_live(collections_behind(client))

    def go_live(self) -> None:
        # Looked at before, because an alias that cannot be made has been taken from where it was by then.
        self.require()
        with self._server.translated() as client:
            before = collections_behind(client)
            if self._are_live(before):
                return
            point_aliases(client, self._aliases)
            for plan, name in self._names.items():
                old = before.get(plan.alias, name)
                if old != name and plan.is_ours(old):
                    client.delete_collection(old)

    @property
    def _aliases(self) -> Mapping[str, str]:
        return {plan.alias: name for plan, name in self._names.items()}

    def _are_live(self, behind: Mapping[str, str]) -> bool:
        return all(behind.get(alias) == name for alias, name in self._aliases.items())

    def _install(self, client: QdrantClient, plan: CollectionPlan) -> Sequence[str]:
        """Make a collection and its indexes, as far as they are missing."""
        made, name = [], self._names[plan]
        found = found_collections(client, [name, plan.alias])
        self._refuse_namesake(plan, found)
        if name not in found and self._create(client, name):
            made.append(f"Made the collection {name}.")
        collection = FoundCollection.of(client, name)
        self._refuse_other_vectors(collection)
        for field in collection.missing_indexes(plan):
            client.create_payload_index(name, field, plan.indexes[field], wait=True)
            made.append(f"Made the index {field} of {name}.")
        return made

    def _create(self, client: QdrantClient, name: str) -> bool:
        """Make a collection; whether it was not there."""
        vectors = models.VectorParams(size=self._dimensions, distance=DISTANCE)
        try:
            return client.create_collection(name, vectors_config=vectors, hnsw_config=HNSW)
        except CLIENT_ERRORS:
            if name in found_collections(client, [name]):  # another process was first
                return False
            raise

    def _refuse_namesake(self, plan: CollectionPlan, found: Mapping[str, FoundCollection]) -> None:
        if plan.alias in found:
            raise ConfigurationError(
                f"{self._server.where} has a collection named {plan.alias}, which has to be the name of an alias. "
                "Copy what it holds to another collection, delete it, and run `penchant setup` again."
            )

    def _refuse_other_vectors(self, found: FoundCollection) -> None:
        if not found.is_for(self._dimensions):
            raise ConfigurationError(
                f"The collection {found.name} in {self._server.where} is for {found.vectors}, not for vectors of "
                f"{self._dimensions} dimensions by {DISTANCE.value}. Delete it, run `penchant setup`, and "
                "`penchant catch-up --queue qdrant` puts all points again."
            )
