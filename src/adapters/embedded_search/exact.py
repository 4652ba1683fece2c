"""Exact search: every row is looked at, block by block."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from adapters.embedded_search.vector_file import Rows, VectorFile
from application.ports.product_search import FoundProduct
from domain.vectors import Matrix, Vector

BLOCK_BYTES = 4 * 2**20
"""Of the matrix at a time: what fits into the caches of a processor, so that memory is read once for all vectors."""
ROUNDING = 1e-5
"""More than the float32 of a matrix product may be off; whatever is as near as that to the last place is looked at
again, in float64 and row by row, because equal rows have equal products only then."""

FLOAT32_BYTES = 4
LEAST = float(np.finfo(np.float32).min)
"""Below every product, and above that of a row that is left out."""

Scores = npt.NDArray[np.float32]


def search(
    file: VectorFile, vectors: Matrix, limit: int, *, without: Rows, among: Rows | None
) -> list[list[FoundProduct]]:
    """As the port says, by rows in place of ids; `without` and `among` are ascending, `limit` is 1 or more."""
    nearest = [_Nearest(limit) for _ in vectors]
    parts = _picked(file.matrix, vectors, without, among) if among is not None else _all(file.matrix, vectors, without)
    for rows, products in parts:
        for best, scores in zip(nearest, products, strict=True):
            best.add(rows, scores)
    return [in_order(file, vector, best.rows(), limit) for vector, best in zip(vectors, nearest, strict=True)]


def in_order(file: VectorFile, vector: Vector, rows: Rows, limit: int) -> list[FoundProduct]:
    """The first `limit` of these rows, the nearest first; equal ones by id."""
    similarities = (file.matrix[rows].astype(np.float64) * vector).sum(axis=1).tolist()
    found = sorted((-similarity, file.ids[row]) for row, similarity in zip(rows, similarities, strict=True))
    return [FoundProduct(product_id=product_id, similarity=-opposite) for opposite, product_id in found[:limit]]


def _all(matrix: Matrix, vectors: Matrix, without: Rows) -> Iterator[tuple[Rows, Scores]]:
    """Rows, and their products with each vector; nothing of the matrix is copied."""
    for block in _slices(len(matrix), matrix.shape[1]):
        scores = vectors @ matrix[block].T
        first, last = np.searchsorted(without, (block.start, block.stop))
        scores[:, without[first:last] - block.start] = -np.inf
        yield np.arange(block.start, block.start + scores.shape[1]), scores


def _picked(matrix: Matrix, vectors: Matrix, without: Rows, among: Rows) -> Iterator[tuple[Rows, Scores]]:
    """The same of some rows, which are copied, a block at a time."""
    picked = np.setdiff1d(among, without, assume_unique=True)
    for block in _slices(len(picked), matrix.shape[1]):
        yield picked[block], vectors @ matrix[picked[block]].T


def _slices(rows: int, dimensions: int) -> Iterator[slice]:
    size = max(1, BLOCK_BYTES // (FLOAT32_BYTES * dimensions))
    return (slice(start, start + size) for start in range(0, rows, size))


class _Nearest:
    """The rows that may be among the `limit` with the largest products, of all that have been added so far."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._floor = LEAST
        self._rows: list[Rows] = []
        self._scores: list[Scores] = []
        self._room = 4 * limit

    def add(self, rows: Rows, scores: Scores) -> None:
        hits = np.flatnonzero(scores >= self._floor)
        if len(hits):
            self._rows.append(rows[hits])
            self._scores.append(scores[hits])
            self._room -= len(hits)
        if self._room < 0:
            self._drop()

    def rows(self) -> Rows:
        self._drop()
        return self._rows[0]

    def _drop(self) -> None:
        """Forget what is too far off by now."""
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, dtype=np.int64)
        scores = np.concatenate(self._scores) if self._scores else np.empty(0, dtype=np.float32)
        if len(rows) > self._limit:
            self._floor = float(np.partition(scores, -self._limit)[-self._limit]) - ROUNDING
            rows, scores = rows[scores >= self._floor], scores[scores >= self._floor]
        self._rows, self._scores, self._room = [rows], [scores], 4 * self._limit
