"""The port of product search, on a copy of the catalogue."""

from collections.abc import Collection, Sequence

import numpy as np

from adapters.embedded_search import exact
from adapters.embedded_search.catalogue_copy import CatalogueCopy
from adapters.embedded_search.clusters import Clusters
from adapters.embedded_search.copies import Copies
from adapters.embedded_search.vector_file import Rows
from application.ports.product_search import FoundProduct
from domain.vectors import Matrix

EXACT_UP_TO = 50_000
"""Products up to which all are looked at. ADR 0016 has the measurement."""
SPARE = 16
"""Candidates beyond those that are wanted, since clusters hold vectors in float16: the exact ones decide."""


class EmbeddedProductSearch:
    """Exact in a small catalogue and among given products; in a large one only what is in near clusters is looked at.

    Either way similarities are exact, and threads may share it.
    """

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def nearest(
        self, vectors: Matrix, limit: int, *, without: Collection[str] = (), among: Collection[str] | None = None
    ) -> Sequence[Sequence[FoundProduct]]:
        copy = self._copies.latest()
        if limit < 1 or not len(vectors):
            return [[] for _ in vectors]
        left_out = copy.file.rows_of(without)
        if among is None and copy.clusters is not None:
            return _approximate(copy, copy.clusters, vectors, limit, left_out)
        rows = copy.file.rows_of(among) if among is not None else None
        return exact.search(copy.file, vectors, limit, without=left_out, among=rows)


def _approximate(
    copy: CatalogueCopy, clusters: Clusters, vectors: Matrix, limit: int, without: Rows
) -> Sequence[Sequence[FoundProduct]]:
    """Whoever finds fewer than were wanted looks at everything."""
    wanted = min(limit, len(copy.file.ids) - len(without))
    count = min(wanted + SPARE, len(copy.file.ids))
    return [
        exact.in_order(copy.file, vector, rows, limit)
        if len(rows) >= wanted
        else exact.search(copy.file, vector[np.newaxis], limit, without=without, among=None)[0]
        for vector, rows in zip(vectors, clusters.candidates(vectors, count, without), strict=True)
    ]
