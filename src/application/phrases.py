"""Phrases to vectors, once and for good."""

from collections.abc import Collection, Mapping, Sequence

from application.circuit import Circuit
from application.ports.embedder import Embedder
from application.ports.phrase_vectors import PhraseVectors
from application.ports.system import Clock, Metrics
from application.ports.tracer import NO_TRACER, Tracer
from domain.errors import ConfigurationError, PenchantError, PermanentError, TransientError, UnavailableError
from domain.vectors import unit_rows

AT_ONCE = 1_000
"""Phrases embedded and stored at once: what is stored need not be asked for again when a later part fails."""

PROBE = 4
"""Phrases that are tried first after a pause."""


class EmbedPhrases:
    """Sees to it that phrases have a stored vector. Threads may share it.

    When the embedder is out of reach or asks for a pause, it is left alone for as long as it asked, and for a second at
    least, doubling up to a minute; one that hangs until it is given up, for four times as long as that took, because
    events about products wait in the same batch. During the pause all phrases without a vector fail at once with the
    same error, and those with one do not notice.
    """

    def __init__(
        self,
        embedder: Embedder,
        phrase_vectors: PhraseVectors,
        clock: Clock,
        metrics: Metrics,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._embedder = embedder
        self._phrase_vectors = phrase_vectors
        self._clock = clock
        self._metrics = metrics
        self._tracer = tracer
        self._circuit = Circuit()

    @property
    def is_away(self) -> bool:
        """Whether the embedder was out of reach when it was asked last."""
        return self._circuit.is_open

    def __call__(self, phrases: Collection[str]) -> Mapping[str, PenchantError]:
        """Embed and store the normalized `phrases` that have no vector yet.

        Returns the phrases that have none even now, each with the reason: one bad phrase fails no other.

        Raises
        ------
        TransientError : the stored phrase vectors are out of reach.
        ConfigurationError : the embedder cannot work as it is configured, whatever the phrase.
        """
        if not phrases:
            return {}
        stored, _ = self._phrase_vectors.get(self._embedder.model, phrases)
        missing = sorted(set(phrases) - set(stored))
        failures: dict[str, PenchantError] = {}
        start = 0
        while start < len(missing):
            pause = self._circuit.error(self._clock.monotonic())
            if pause is not None:
                return {**failures, **dict.fromkeys(missing[start:], pause)}
            size = PROBE if self._circuit.is_open else AT_ONCE
            failures.update(self._embed(missing[start : start + size]))
            start += size
        return failures

    def _embed(self, phrases: Sequence[str]) -> Mapping[str, PenchantError]:
        pause = self._circuit.error(self._clock.monotonic())
        if pause is not None:
            return dict.fromkeys(phrases, pause)
        started = self._clock.monotonic()
        try:
            with self._tracer.span("embed", phrases=len(phrases)):
                matrix = unit_rows("search_phrase", self._embedder.embed(phrases), self._embedder.dimensions)
        except UnavailableError as error:
            now = self._clock.monotonic()
            self._circuit.failed(now, error, waited_seconds=now - started)
            self._metrics.count("penchant_embedding_pauses_total")
            self._metrics.set("penchant_circuit_open", 1, part="embedder")
            return dict.fromkeys(phrases, error)
        except TransientError as error:
            return dict.fromkeys(phrases, error)
        except ConfigurationError:
            raise
        except PermanentError as error:
            self._answered()
            if len(phrases) == 1:
                return {phrases[0]: error}
            half = len(phrases) // 2
            return {**self._embed(phrases[:half]), **self._embed(phrases[half:])}
        self._answered()
        self._phrase_vectors.put(self._embedder.model, phrases, matrix)
        self._metrics.count("penchant_phrases_embedded_total", len(phrases))
        return {}

    def _answered(self) -> None:
        # Not during a pause: the answer is to a request that another thread had under way when the pause began.
        if self._circuit.is_open and self._circuit.closed_again_in(self._clock.monotonic()) == 0:
            self._circuit.succeeded()
            self._metrics.set("penchant_circuit_open", 0, part="embedder")
