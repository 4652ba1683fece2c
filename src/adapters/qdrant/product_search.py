"""Product search in Qdrant."""

from collections.abc import Collection, Sequence

from qdrant_client import QdrantClient, models

from adapters.qdrant.aliases import collections_behind
from adapters.qdrant.collection_plans import PRODUCTS, collection_name
from adapters.qdrant.server import QdrantServer
from application.ports.product_search import FoundProduct
from domain.errors import NotSetUpError, TransientError
from domain.vectors import Matrix

TIES = 16
"""How many more than are wanted are asked for: Qdrant returns those that are equal in any order, and we want the first
by id. Where more than that are equal, which of them come is up to Qdrant."""


class QdrantProductSearch:
    """Searches the products that are live, as long as these are of our embedding model.

    They follow the catalogue within a second or two, by the worker of the index.
    """

    def __init__(self, server: QdrantServer, model: str, dimensions: int) -> None:
        self._server = server
        self._ours = collection_name(PRODUCTS.alias, model, dimensions)

    def nearest(
        self, vectors: Matrix, limit: int, *, without: Collection[str] = (), among: Collection[str] | None = None
    ) -> Sequence[Sequence[FoundProduct]]:
        with self._server.translated() as client:
            self._require_live(client)
            if limit < 1 or not len(vectors) or (among is not None and not among):
                return [[] for _ in vectors]
            requests = [
                models.QueryRequest(
                    query=vector.tolist(),
                    limit=limit + TIES,
                    filter=_filter(without, among),
                    with_payload=[PRODUCTS.id_key],
                )
                for vector in vectors
            ]
            answers = client.query_batch_points(PRODUCTS.alias, requests)
        return [_found(answer.points)[:limit] for answer in answers]

    def _require_live(self, client: QdrantClient) -> None:
        """Vectors of another model would be found as well, and mean nothing."""
        live = collections_behind(client).get(PRODUCTS.alias)
        if live is None:
            raise NotSetUpError(f"{self._server.where} has no alias {PRODUCTS.alias}. Run `penchant setup`.")
        if live != self._ours:
            text = f"{self._server.where} is searched by another embedding model; the worker of the index is to fill "
            raise TransientError(text + f"{self._ours} first: penchant catch-up --queue qdrant")


def _filter(without: Collection[str], among: Collection[str] | None) -> models.Filter:
    """By the index of product ids."""
    key = PRODUCTS.id_key
    return models.Filter(
        must=[models.FieldCondition(key=key, match=models.MatchAny(any=list(among)))] if among is not None else None,
        must_not=[models.FieldCondition(key=key, match=models.MatchAny(any=list(without)))] if without else None,
    )


def _found(points: Sequence[models.ScoredPoint]) -> list[FoundProduct]:
    """The nearest first, equal ones by id. Points of others, which have no id of ours, are left out."""
    ids = [(point.score, (point.payload or {}).get(PRODUCTS.id_key)) for point in points]
    found = [FoundProduct(product_id=id_, similarity=score) for score, id_ in ids if isinstance(id_, str)]
    return sorted(found, key=lambda one: (-one.similarity, one.product_id))
