"""Embeddings by OpenAI, or by a server that speaks the same language."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from adapters.openai.endpoint import DEFAULT_MODEL, Endpoint
from adapters.openai.limits import cut, requests_of
from application.ports.examinable import Finding, Health
from application.ports.system import Clock
from domain.errors import ConfigurationError, PenchantError
from domain.vectors import Matrix

if TYPE_CHECKING:
    from adapters.openai.service import EmbeddingsService

SLOW_SECONDS = 2.0
TIMEOUT_SECONDS = 30.0


class OpenAIEmbedder:
    """One request for as many texts as it may have; equal texts are sent once. Threads may share it.

    A text of more than 8,190 UTF-8 bytes is cut there (`limits`). The client is loaded and the service is asked at the
    first use; nothing is tried twice.

    Parameters
    ----------
    base_url : None for OpenAI itself.
    dimensions : None for the model's own. The text-embedding-3 models shorten their vectors to it; of any other model
        it says how long its vectors are, and has to be given.
    timeout_seconds : the longest silence of the service while it is waited for.

    Raises
    ------
    ConfigurationError : a key, address or length that cannot work.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None = None,
        model: str = DEFAULT_MODEL,
        dimensions: int | None = None,
        clock: Clock,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._endpoint = Endpoint.of(api_key, base_url, model, dimensions)
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    @property
    def model(self) -> str:
        """Its name, and the length of its vectors if they are shortened."""
        shortened = self._endpoint.asked_dimensions
        return f"{self._endpoint.model}-{shortened}" if shortened is not None else self._endpoint.model

    @property
    def dimensions(self) -> int:
        return self._endpoint.dimensions

    def embed(self, texts: Sequence[str]) -> Matrix:
        """As `Embedder.embed`, in float32.

        Raises
        ------
        UnavailableError : out of reach, or asks for a pause, with its length where it said so.
        ConfigurationError : refused because of a setting, which the text names.
        PermanentError : refused because of one of these texts.
        """
        fitting = [cut(text) for text in texts]
        row_of = {text: row for row, text in enumerate(dict.fromkeys(fitting))}
        parts = [self._service.vectors(request) for request in requests_of(list(row_of))]
        matrix = np.concatenate(parts) if parts else np.empty((0, self.dimensions), dtype=np.float32)
        return matrix if len(row_of) == len(fitting) else matrix[[row_of[text] for text in fitting]]

    def examine(self) -> Sequence[Finding]:
        """Embed one short text."""
        started = self._clock.monotonic()
        try:
            self.embed(["ok"])
        except ConfigurationError as error:
            return [_finding("embedding", Health.FAILED, str(error), "Correct the setting; nothing is lost meanwhile.")]
        except PenchantError as error:
            remedy = "Searches wait until it answers. If that goes on, see the status page of the service."
            return [_finding("embedding", Health.FAILED, str(error), remedy)]
        seconds = self._clock.monotonic() - started
        answers = f"{self._endpoint.model} at {self._endpoint.address} answers with {self.dimensions} dimensions."
        took = f"One embedding took {seconds * 1_000:.0f} ms."
        if seconds <= SLOW_SECONDS:
            latency = _finding("latency", Health.OK, took)
        else:
            remedy = "Searches take effect late by as much: look at the network, or choose a nearer service."
            latency = _finding("latency", Health.WARNING, took, remedy)
        return [_finding("embedding", Health.OK, answers), latency]

    def close(self) -> None:
        """Close its connections; the next use opens them again."""
        service = self.__dict__.pop("_service", None)
        if service is not None:
            service.close()

    @cached_property
    def _service(self) -> "EmbeddingsService":
        from adapters.openai.service import EmbeddingsService  # half a second and 30 MiB, which few processes need

        return EmbeddingsService(self._endpoint, self._timeout_seconds, self._clock)


def _finding(subject: str, health: Health, text: str, remedy: str = "") -> Finding:
    return Finding(part="OpenAI", subject=subject, health=health, text=text, remedy=remedy)
