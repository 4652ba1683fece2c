"""Vectors as BSON binaries.

Subtype 0, the plain float32 numbers, little-endian: every server and driver keeps it as it is. BSON's own vector type
(subtype 9) would put two bytes before the same numbers, and is refused by what is older than it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from domain.vectors import Matrix, Vector


def to_binary(vector: Vector) -> bytes:
    """ndarray of shape (d,) as the bytes to store."""
    return vector.astype("<f4", copy=False).tobytes()


def from_binary(stored: Any) -> Vector | None:
    """ndarray of shape (d,), float32; None where what is stored is no vector of finite numbers."""
    if type(stored) is not bytes or len(stored) % 4 != 0:
        return None
    vector = np.frombuffer(stored, dtype="<f4")
    return vector if np.isfinite(vector).all() else None


def rows_of(documents: Iterable[dict[str, Any]], dimensions: int) -> tuple[Sequence[str], Matrix]:
    """Ids and vectors of the documents whose vector is usable: ndarray of shape (len(ids), dimensions), float32."""
    usable = [d for d in documents if type(d["_id"]) is str and _has_length(d.get("embedding"), dimensions)]
    matrix = np.frombuffer(b"".join(d["embedding"] for d in usable), dtype="<f4").reshape(len(usable), dimensions)
    finite = np.isfinite(matrix).all(axis=1)
    if finite.all():
        return [d["_id"] for d in usable], matrix
    return [d["_id"] for d, is_finite in zip(usable, finite, strict=True) if is_finite], matrix[finite]


def pages_of(documents: Iterator[dict[str, Any]], dimensions: int, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
    """The same, up to `page` documents at a time, without empty pages."""
    while some := list(islice(documents, page)):
        ids, matrix = rows_of(some, dimensions)
        if ids:
            yield ids, matrix


def _has_length(stored: Any, dimensions: int) -> bool:
    return type(stored) is bytes and len(stored) == 4 * dimensions
