"""The embeddings endpoint, through OpenAI's own client. Importing this loads the client."""

from collections.abc import Sequence

import openai

from adapters.openai.answer import vectors_of
from adapters.openai.endpoint import Endpoint
from adapters.openai.refusal import translated, without_texts
from application.ports.system import Clock
from domain.errors import UnavailableError
from domain.vectors import Matrix

CONNECT_SECONDS = 5.0


class EmbeddingsService:
    """One endpoint. Threads may share it; it keeps connections open.

    Parameters
    ----------
    timeout_seconds : the longest silence of the server while it is waited for.
    """

    def __init__(self, endpoint: Endpoint, timeout_seconds: float, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._client = openai.OpenAI(
            api_key=endpoint.api_key,
            base_url=endpoint.base_url,
            max_retries=0,  # whoever asks decides when to ask again, and does not hold up others meanwhile
            timeout=openai.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
        )

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts that fit into one request: ndarray of shape (len(texts), dimensions), float32.

        Raises
        ------
        UnavailableError, ConfigurationError, PermanentError : see `refusal` and `answer`.
        """
        endpoint = self._endpoint
        try:
            answer: object = self._client.embeddings.create(
                input=list(texts),
                model=endpoint.model,
                dimensions=endpoint.asked_dimensions if endpoint.asked_dimensions is not None else openai.omit,
                # Asked for by name, because otherwise the client makes a Python float of every number.
                encoding_format="base64",
            )
        except openai.OpenAIError as error:
            raise translated(error, endpoint, self._clock.now()) from without_texts(error)
        except ValueError as error:
            text = f"The embedding service at {endpoint.address} (OPENAI_BASE_URL) sent something that is no JSON."
            raise UnavailableError(text) from error
        return vectors_of(getattr(answer, "data", None), len(texts), endpoint)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()
