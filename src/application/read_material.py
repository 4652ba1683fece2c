"""What an evaluation works on: the log in place, or events that are nowhere stored."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from attrs import frozen

from application.collect_events import CollectEvents
from application.phrases import AT_ONCE, EmbedPhrases
from application.ports.embedder import Embedder
from application.ports.event_log import EventLog, LogFilter
from application.ports.phrase_vectors import PhraseVectors
from application.ports.system import Clock, Metrics
from application.subject_vectors import ReadSubjectVectors
from domain.errors import TransientError
from domain.event_columns import EventColumns
from domain.product import Product
from domain.vectors import Matrix, SubjectVectors, Vector


@frozen(kw_only=True, eq=False)
class Material:
    """All events, and the vectors of what they are about.

    Parameters
    ----------
    vectors : ndarray of shape (subjects, d), float32: unit vectors of products and phrases; zero where there is none.
    """

    events: EventColumns
    vectors: Matrix

    @classmethod
    def of(cls, events: EventColumns, vectors: SubjectVectors) -> "Material":
        """Bring the vectors into the order of the subjects' numbers."""
        found = [vectors.products.get(product_id, -1) for product_id in events.product_ids]
        rows = np.array(found + [vectors.phrases.get(phrase, -1) for phrase in events.phrases], dtype=np.int64)
        known = np.flatnonzero(rows >= 0)
        matrix = np.zeros((len(rows), vectors.matrix.shape[1]), dtype=np.float32)
        matrix[known] = vectors.matrix[rows[known]]
        return cls(events=events, vectors=matrix)


class ReadMaterial:
    """Reads the whole log, and the vectors that are stored; changes nothing."""

    def __init__(self, log: EventLog, vectors: ReadSubjectVectors) -> None:
        self._log = log
        self._vectors = vectors

    def count(self) -> int:
        """How many events a call reads."""
        return self._log.count()

    def __call__(self, on_events: Callable[[int], None]) -> Material:
        """All of the log; tell `on_events` how many each step read."""
        collected = CollectEvents()
        for page in self._log.matching(LogFilter()):
            for logged in page:
                collected.add(logged.event, logged.position)
            on_events(len(page))
        return Material.of(collected.columns(), self._vectors(collected.examples()))


class EmbedMaterial:
    """Embeds what events are about into `vectors`, which should be a store that is forgotten."""

    def __init__(self, embedder: Embedder, vectors: PhraseVectors, clock: Clock, metrics: Metrics) -> None:
        self._model = embedder.model
        self._vectors = vectors
        self._embed = EmbedPhrases(embedder, vectors, clock, metrics)

    def __call__(
        self, events: EventColumns, products: Mapping[str, Product], on_texts: Callable[[int], None]
    ) -> Material:
        """Embed the texts of the products, given by id, and the phrases. What has no vector is left without.

        A product with a vector of its own keeps that. Raises TransientError when the embedder cannot answer now.
        """
        known = [products[product_id] for product_id in events.product_ids if product_id in products]
        texts = {product.product_id: product.text for product in known if product.vector is None}
        for some in _parts(sorted({*texts.values(), *events.phrases})):
            for error in self._embed(some).values():
                if isinstance(error, TransientError):
                    raise error
            on_texts(len(some))
        own = {product.product_id: product.vector for product in known if product.vector is not None}
        return Material.of(events, _with(own, self._read(texts, events.phrases)))

    def _read(self, texts: Mapping[str, str], phrases: Sequence[str]) -> SubjectVectors:
        stored, matrix = self._vectors.get(self._model, {*texts.values(), *phrases})
        rows = {text: row for row, text in enumerate(stored)}
        return SubjectVectors(
            matrix=matrix,
            products={product_id: rows[text] for product_id, text in texts.items() if text in rows},
            phrases={phrase: rows[phrase] for phrase in phrases if phrase in rows},
        )


def _with(own: Mapping[str, Vector], vectors: SubjectVectors) -> SubjectVectors:
    """The same, and those that products have of their own."""
    first = len(vectors.matrix)
    return SubjectVectors(
        matrix=np.concatenate([vectors.matrix, *(vector[None, :] for vector in own.values())]),
        products={**vectors.products, **{product_id: row for row, product_id in enumerate(own, start=first)}},
        phrases=vectors.phrases,
    )


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE))
