"""The vectors in an answer of the endpoint."""

import base64
from collections.abc import Sequence

import numpy as np

from adapters.openai.endpoint import Endpoint
from domain.errors import ConfigurationError
from domain.vectors import Matrix, Vector


def vectors_of(data: object, count: int, endpoint: Endpoint) -> Matrix:
    """The vectors of `count` texts, in the order in which they were sent.

    Parameters
    ----------
    data : the list in the answer, each with `index` and `embedding`: base64 of float32, little-endian, as it was asked
        for, or numbers, as some compatible servers answer all the same.

    Returns
    -------
    ndarray of shape (count, dimensions), float32.

    Raises
    ------
    ConfigurationError : not one vector a text, or vectors of another length; the text names the setting.
    """
    entries: Sequence[object] = data if isinstance(data, list) else []
    indices = [getattr(entry, "index", None) for entry in entries]
    if len(indices) != count or {index for index in indices if type(index) is int} != set(range(count)):
        raise ConfigurationError(
            f"The embedding service at {endpoint.address} answers {count} texts with {len(entries)} vectors that do "
            f"not belong to them one by one. OPENAI_BASE_URL has to name a server that speaks OpenAI's embeddings API."
        )
    matrix = np.empty((count, endpoint.dimensions), dtype=np.float32)
    for index, entry in zip(indices, entries, strict=True):
        matrix[index] = _checked(_vector(getattr(entry, "embedding", None)), endpoint)
    return matrix


def _vector(embedding: object) -> Vector | None:
    try:
        if isinstance(embedding, str):
            return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
        return np.asarray(embedding, dtype=np.float32)
    except (TypeError, ValueError):
        return None


def _checked(vector: Vector | None, endpoint: Endpoint) -> Vector:
    if vector is not None and vector.shape == (endpoint.dimensions,):
        return vector
    found = f"{vector.size}" if vector is not None and vector.ndim == 1 else "no"
    raise ConfigurationError(
        f"The model {endpoint.model} at {endpoint.address} answers with vectors of {found} dimensions, and "
        f"{endpoint.dimensions} are configured. Correct OPENAI_EMBEDDING_MODEL or PENCHANT_EMBEDDING_DIMENSIONS."
    )
