"""Approximate search: rows stand in clusters, and only the clusters nearest to a vector are looked at."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from adapters.embedded_search.vector_file import Rows
from domain.vectors import Matrix

CLUSTERS = "clusters.faiss"

CLUSTERS_PER_ROOT = 4
"""Clusters for each root of the number of rows: the authors of FAISS recommend 4 to 16."""
SAMPLES = 64
"""Rows a cluster from which its middle is learned."""
LEAST_ROWS = 40
"""Rows a cluster at the least: from fewer its middle cannot be learned."""
PROBES = 128
"""Clusters that are looked at for a vector. ADR 0016 has what more and fewer find."""
AMPLE = 4
"""How many times the rows that are wanted are looked at, at the least."""
BLOCK = 16_384


class Clusters:
    """Which rows are near: FAISS's inverted file, its vectors in float16, mapped as the vectors themselves are."""

    def __init__(self, path: Path) -> None:
        faiss = _faiss()
        self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        # It would start threads for each search that read ahead, which takes longer than what is in memory already.
        faiss.downcast_InvertedLists(self._index.invlists).prefetch_nthread = 0

    def candidates(self, vectors: Matrix, count: int, without: Rows) -> Iterator[Rows]:
        """For each vector about `count` rows, in no order, among which the nearest are; `without` is left out.

        Fewer, where the clusters that are looked at hold no more.
        """
        faiss = _faiss()
        parameters = faiss.SearchParametersIVF(nprobe=self._probes(count))
        if len(without):
            selector = faiss.IDSelectorBatch(without)
            parameters.sel = faiss.IDSelectorNot(selector)
        found: Iterable[Rows] = self._index.search(np.ascontiguousarray(vectors), count, params=parameters)[1]
        return (rows[rows >= 0] for rows in found)

    def _probes(self, count: int) -> int:
        """More, where many rows are wanted."""
        clusters, rows = int(self._index.nlist), int(self._index.ntotal)
        return min(clusters, max(PROBES, AMPLE * count * clusters // rows))


def write(path: Path, matrix: Matrix) -> None:
    """Sort the rows of a matrix into clusters, and write them to this file. Takes one core."""
    faiss = _faiss()
    count = max(1, min(round(CLUSTERS_PER_ROOT * len(matrix) ** 0.5), len(matrix) // LEAST_ROWS))
    index = faiss.index_factory(matrix.shape[1], f"IVF{count},SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = SAMPLES
    index.train(np.ascontiguousarray(matrix[:: max(1, len(matrix) // (count * SAMPLES))]))
    for start in range(0, len(matrix), BLOCK):
        index.add(np.ascontiguousarray(matrix[start : start + BLOCK]))
    faiss.write_index(index, str(path))


def _faiss() -> Any:
    import faiss  # 35 ms and some memory, for which most shops are too small

    faiss.omp_set_num_threads(1)  # of the calling thread: a search is too short to be shared out
    return faiss
