"""The vectors of a catalogue in a file, which all processes map into their memory, and the ids of its rows."""

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from domain.vectors import Matrix

Rows = npt.NDArray[np.int64]

VECTORS = "vectors.float32"
IDS = "ids.json"


@frozen(kw_only=True, eq=False, slots=False)
class VectorFile:
    """Vectors and ids, neither of which changes any more.

    Parameters
    ----------
    ids : of the products, each once, in the order of the rows.
    matrix : ndarray of shape (len(ids), d), float32, rows of unit length; on the disk, as far as nobody looks at it.
    """

    ids: Sequence[str] = field(repr=False)
    matrix: Matrix = field(repr=False)

    @classmethod
    def open(cls, folder: Path, dimensions: int) -> "VectorFile":
        """The file in this folder. Raises FileNotFoundError where it has been removed."""
        ids = json.loads((folder / IDS).read_bytes())
        if not ids:  # an empty file cannot be mapped
            return cls(ids=ids, matrix=np.empty((0, dimensions), dtype=np.float32))
        mapped = np.memmap(folder / VECTORS, np.float32, "r", shape=(len(ids), dimensions))
        return cls(ids=ids, matrix=np.asarray(mapped))

    def rows_of(self, product_ids: Collection[str]) -> Rows:
        """The rows of those among these that are here, each once, ascending."""
        rows = [self._rows[product_id] for product_id in product_ids if product_id in self._rows]
        return np.unique(np.array(rows, dtype=np.int64))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {product_id: row for row, product_id in enumerate(self.ids)}


def write(folder: Path, pages: Iterable[tuple[Sequence[str], Matrix]]) -> None:
    """Write vectors and ids, page by page. A product that comes twice, since it was changed meanwhile, counts once."""
    ids: dict[str, None] = {}
    with (folder / VECTORS).open("wb") as file:
        for page, matrix in pages:
            for product_id, vector in zip(page, np.asarray(matrix, dtype=np.float32), strict=True):
                if product_id not in ids:
                    ids[product_id] = None
                    file.write(vector.tobytes())
    (folder / IDS).write_text(json.dumps(list(ids)))
