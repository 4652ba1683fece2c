"""Recommending: candidates of several sources become one ranking, each with the reason why it is in it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import numpy as np
from attrs import evolve, field, frozen, validators

from application.ports.product_catalogue import ProductCatalogue
from application.pulls import StrongestPulls
from application.shopper import CandidateSource, ReadShopper, Shopper, Wanted
from domain.blend import DEPTH, Blend, Source
from domain.diversity import diversify
from domain.errors import InvalidValueError, UnknownSourceError
from domain.interaction import EventType, Interaction
from domain.product import ProductEmbedding
from domain.rank_fusion import fuse
from domain.recipe import Recipe
from domain.vectors import Matrix, as_cosine

DEEPER = 4
"""So many times as much is asked for where too much of what was found is unknown."""


@frozen(kw_only=True)
class Reason:
    """Why a product is recommended.

    Parameters
    ----------
    source : where it has its best place.
    event_type, product_id, search_phrase, text, occurred_at : what of the user's own pulls most towards it, where that
        source is the embedding; the text is the product's, or the phrase.
    """

    source: Source
    event_type: EventType | None = None
    product_id: str | None = None
    search_phrase: str | None = None
    text: str | None = None
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
    sources : only candidates of these; empty: of all that there are and weigh something.
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


Ranked = tuple[str, float]
Scored = tuple[ProductEmbedding, float]
Places = Mapping[Source, Mapping[str, int]]
"""The place of each product in each source that has it."""


class Recommend:
    """Fuses the rankings of the sources that know something of the user.

    Of a user who is new only popularity does, so what is popular is what such a one gets.
    """

    def __init__(
        self,
        read: ReadShopper,
        sources: Mapping[Source, CandidateSource],
        catalogue: ProductCatalogue,
        pulls: StrongestPulls,
        recipe: Recipe,
        blend: Blend,
    ) -> None:
        blend.check_for(sources)
        self._pulls = pulls
        self._recipe = recipe
        self._weights = blend.weights
        self._read = read
        self._sources = sources
        self._catalogue = catalogue

    def __call__(self, user_id: str, wishes: Wishes) -> Sequence[Recommendation]:
        """What to recommend, the best first.

        Raises
        ------
        UnknownSourceError : a source is wanted that there is not here.
        TransientError : something that this needs is out of reach.
        """
        shopper = self._read(user_id)
        without = frozenset(() if wishes.with_bought else shopper.bought)
        wanted = Wanted(limit=max(DEPTH, wishes.limit), without=without, among=wishes.among)
        rankings = self._rankings(shopper, wanted, self._chosen(wishes))
        fused = fuse(rankings, {source: self._weight(source) for source in rankings})
        chosen = self._with_products(self._choose(fused, wishes))
        places = {source: {id_: rank for rank, id_ in enumerate(ids, start=1)} for source, ids in rankings.items()}
        return [
            _recommendation(product, score, places, shopper, reason)
            for (product, score), reason in zip(chosen, self._reasons(shopper, chosen, places), strict=True)
        ]

    def _rankings(
        self, shopper: Shopper, wanted: Wanted, sources: Collection[Source]
    ) -> Mapping[Source, Sequence[str]]:
        """What the sources find. One that finds too much that the catalogue does not know is asked for more."""
        rankings: dict[Source, Sequence[str]] = {}
        short, depth = list(sources), wanted.limit
        while short:
            found = {source: self._sources[source](shopper, evolve(wanted, limit=depth)) for source in short}
            unknown = self._unknown(found)
            for source, ids in found.items():
                rankings[source] = [id_ for id_ in ids if id_ not in unknown][: wanted.limit]
            short = [s for s, ids in found.items() if len(ids) == depth and len(rankings[s]) < wanted.limit]
            depth *= DEEPER
        return rankings

    def _reasons(self, shopper: Shopper, chosen: Sequence[Scored], places: Places) -> Sequence[Reason]:
        best = [_best_source(product.product.product_id, places) for product, _ in chosen]
        pulls = self._pulls(shopper, _vectors([product for product, _ in chosen], self._recipe))
        own = self._catalogue.read([event.product_id for event in pulls if event is not None and event.product_id])
        return [_reason(source, event, own) for source, event in zip(best, pulls, strict=True)]

    def _unknown(self, found: Mapping[Source, Sequence[str]]) -> Collection[str]:
        """The candidates without a vector. Those of the embedding have one: by it they were found."""
        near = found.get(Source.EMBEDDING, ())
        return self._catalogue.unknown({id_ for ids in found.values() for id_ in ids}.difference(near))

    def _choose(self, fused: Sequence[Ranked], wishes: Wishes) -> Sequence[Ranked]:
        """Vectors of all candidates are read only where they count: most of the time ten are enough."""
        if wishes.diversity == 0:
            return fused[: wishes.limit]
        ids, vectors = self._catalogue.vectors([product_id for product_id, _ in fused])
        row_of = {product_id: row for row, product_id in enumerate(ids)}
        there = [one for one in fused if one[0] in row_of]
        if not there:
            return []
        rows = [row_of[product_id] for product_id, _ in there]
        relevance = [score / there[0][1] for _, score in there]
        return [there[at] for at in diversify(relevance, vectors[rows], wishes.limit, wishes.diversity)]

    def _with_products(self, ranked: Sequence[Ranked]) -> Sequence[Scored]:
        products = self._catalogue.read([product_id for product_id, _ in ranked])
        return [(products[product_id], score) for product_id, score in ranked if product_id in products]

    def _chosen(self, wishes: Wishes) -> Collection[Source]:
        if missing := [source for source in wishes.sources if source not in self._sources]:
            there = ", ".join(self._sources)
            raise UnknownSourceError("source", f"{missing[0].value!r} is not switched on here", f"send one of {there}")
        return wishes.sources or [source for source in self._sources if self._weights[source] > 0]

    def _weight(self, source: Source) -> float:
        """One that is asked for although it weighs nothing weighs 1."""
        return self._weights[source] or 1.0


def _recommendation(
    product: ProductEmbedding, score: float, places: Places, shopper: Shopper, reason: Reason
) -> Recommendation:
    product_id = product.product.product_id
    embedding = shopper.state.embedding if shopper.state is not None else None
    return Recommendation(
        product_id=product_id,
        text=product.product.text,
        similarity=as_cosine(float(product.embedding @ embedding)) if embedding is not None else None,
        score=score,
        ranks={source: places[source][product_id] for source in places if product_id in places[source]},
        reason=reason,
    )


def _best_source(product_id: str, places: Places) -> Source:
    return min((source for source in places if product_id in places[source]), key=lambda s: places[s][product_id])


def _reason(source: Source, event: Interaction | None, own: Mapping[str, ProductEmbedding]) -> Reason:
    if source is not Source.EMBEDDING or event is None:
        return Reason(source=source)
    return Reason(
        source=source,
        event_type=event.event_type,
        product_id=event.product_id,
        search_phrase=event.search_phrase,
        text=own[event.product_id].product.text if event.product_id is not None else event.search_phrase,
        occurred_at=event.occurred_at,
    )


def _vectors(products: Sequence[ProductEmbedding], recipe: Recipe) -> Matrix:
    """ndarray of shape (len(products), d), float32."""
    empty = np.empty((0, recipe.dimensions), dtype=np.float32)
    return np.stack([product.embedding for product in products]) if products else empty
