"""Recommending: candidates of several sources become one ranking, each with the reason why it is in it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import numpy as np
from attrs import field, frozen, validators

from application.ports.product_catalogue import ProductCatalogue
from application.shopper import CandidateSource, ReadShopper, Shopper, Wanted
from domain.diversity import diversify
from domain.errors import InvalidValueError
from domain.interaction import EventType, Interaction
from domain.product import ProductEmbedding
from domain.rank_fusion import fuse
from domain.recipe import Recipe
from domain.vectors import Matrix

CANDIDATES = 200
"""Of each source. What is further down in all of them has no chance of a place that anybody looks at."""
REMEMBERED = 50
"""Of the products that a user had to do with last, those that a reason may name."""


class Source(StrEnum):
    """Where a candidate comes from."""

    EMBEDDING = "embedding"
    BOUGHT_WITH = "bought_with"
    POPULAR = "popular"


@frozen(kw_only=True)
class Reason:
    """Why a product is recommended: its best source, and for the embedding what of the user's own it is most like."""

    source: Source
    product_id: str | None = None
    text: str | None = None
    event_type: EventType | None = None
    occurred_at: datetime | None = None


@frozen(kw_only=True)
class Recommendation:
    """A product for a user.

    Parameters
    ----------
    similarity : the cosine between its vector and the user's embedding; None without one.
    score : the sum over the sources of weight / (60 + rank); it means nothing but the order.
    ranks : its place in each source that has it.
    """

    product_id: str
    text: str
    similarity: float | None
    score: float
    ranks: Mapping[Source, int]
    reason: Reason


@frozen(kw_only=True)
class Wishes:
    """What is to be recommended.

    Parameters
    ----------
    sources : only candidates of these; empty: of all that there are.
    with_bought : whether what the user has bought already may come, too.
    diversity : from 0, the best first, to 1, as unlike each other as can be.
    among : only these products; None: all.
    """

    limit: int = field(default=10, validator=validators.ge(0))
    sources: Collection[Source] = ()
    with_bought: bool = False
    diversity: float = field(default=0.0)
    among: Collection[str] | None = None

    @diversity.validator
    def _check_diversity(self, _: object, value: float) -> None:
        if not 0 <= value <= 1:
            raise InvalidValueError("diversity", f"is {value:g}", "send 0 to 1")


class Recommend:
    """Fuses the rankings of the sources that know something of the user.

    Of a user who is new only popularity does, so what is popular is what such a one gets.
    """

    def __init__(
        self,
        read: ReadShopper,
        sources: Mapping[Source, CandidateSource],
        catalogue: ProductCatalogue,
        recipe: Recipe,
    ) -> None:
        self._recipe = recipe
        self._read = read
        self._sources = sources
        self._catalogue = catalogue

    def __call__(self, user_id: str, wishes: Wishes) -> Sequence[Recommendation]:
        """What to recommend, the best first.

        Raises
        ------
        InvalidValueError : a source is wanted that there is not here.
        TransientError : something that this needs is out of reach.
        """
        shopper = self._read(user_id)
        without = () if wishes.with_bought else shopper.bought
        wanted = Wanted(limit=max(CANDIDATES, wishes.limit), without=without, among=wishes.among)
        rankings = {source: self._sources[source](shopper, wanted) for source in self._chosen(wishes)}
        fused = fuse(rankings)
        remembered = _remembered(shopper)
        known = self._known({*(product_id for product_id, _ in fused), *remembered})
        candidates = [(known[product_id], score) for product_id, score in fused if product_id in known]
        chosen = _choose(candidates, wishes)
        places = {source: {id_: rank for rank, id_ in enumerate(ids, start=1)} for source, ids in rankings.items()}
        own = [(event, known[product_id]) for product_id, event in remembered.items() if product_id in known]
        return [_recommendation(product, score, places, shopper, own) for product, score in chosen]

    def _known(self, product_ids: Collection[str]) -> Mapping[str, ProductEmbedding]:
        """Those among these that have a vector of our model."""
        shape = (self._recipe.dimensions,)
        products = self._catalogue.read(product_ids).items()
        return {id_: p for id_, p in products if p.model == self._recipe.model and p.embedding.shape == shape}

    def _chosen(self, wishes: Wishes) -> Collection[Source]:
        if missing := [source for source in wishes.sources if source not in self._sources]:
            there = ", ".join(self._sources)
            raise InvalidValueError("source", f"{missing[0]!r} is not switched on here", f"send one of {there}")
        return wishes.sources or self._sources


def _remembered(shopper: Shopper) -> Mapping[str, Interaction]:
    """The last interaction with each of the products that the user had to do with last."""
    last: dict[str, Interaction] = {}
    for event in shopper.interactions:
        if event.product_id is not None and len(last) < REMEMBERED:
            last.setdefault(event.product_id, event)
    return last


def _choose(
    candidates: Sequence[tuple[ProductEmbedding, float]], wishes: Wishes
) -> Sequence[tuple[ProductEmbedding, float]]:
    if wishes.diversity == 0 or not candidates:
        return candidates[: wishes.limit]
    best = candidates[0][1]
    relevance = [score / best for _, score in candidates]
    rows = diversify(relevance, _vectors([product for product, _ in candidates]), wishes.limit, wishes.diversity)
    return [candidates[row] for row in rows]


def _recommendation(
    product: ProductEmbedding,
    score: float,
    places: Mapping[Source, Mapping[str, int]],
    shopper: Shopper,
    own: Sequence[tuple[Interaction, ProductEmbedding]],
) -> Recommendation:
    product_id = product.product.product_id
    ranks = {source: places[source][product_id] for source in places if product_id in places[source]}
    embedding = shopper.state.embedding if shopper.state is not None else None
    return Recommendation(
        product_id=product_id,
        text=product.product.text,
        similarity=float(product.embedding @ embedding) if embedding is not None else None,
        score=score,
        ranks=ranks,
        reason=_reason(product, min(ranks, key=lambda source: ranks[source]), own),
    )


def _reason(product: ProductEmbedding, source: Source, own: Sequence[tuple[Interaction, ProductEmbedding]]) -> Reason:
    """Of what is near to the user's own, that which it is most like; the other sources are a reason of their own."""
    if source is not Source.EMBEDDING or not own:
        return Reason(source=source)
    event, like = own[int(np.argmax(_vectors([one for _, one in own]) @ product.embedding))]
    return Reason(
        source=source,
        product_id=like.product.product_id,
        text=like.product.text,
        event_type=event.event_type,
        occurred_at=event.occurred_at,
    )


def _vectors(products: Sequence[ProductEmbedding]) -> Matrix:
    return np.stack([product.embedding for product in products])
