"""A copy of the catalogue's vectors as they were at one revision."""

from pathlib import Path

from attrs import frozen

from adapters.embedded_search import clusters, vector_file
from adapters.embedded_search.clusters import CLUSTERS, Clusters
from adapters.embedded_search.vector_file import VectorFile
from application.ports.product_catalogue import ProductCatalogue

PAGE = 4_096


@frozen(kw_only=True, eq=False)
class CatalogueCopy:
    """The vectors, and their clusters where there are so many that it is worth it."""

    revision: int
    file: VectorFile
    clusters: Clusters | None

    @classmethod
    def open(cls, folder: Path, dimensions: int) -> "CatalogueCopy":
        """The copy in a folder that is named by its revision. Raises FileNotFoundError where it has been removed."""
        has_clusters = (folder / CLUSTERS).exists()
        return cls(
            revision=int(folder.name),
            file=VectorFile.open(folder, dimensions),
            clusters=Clusters(folder / CLUSTERS) if has_clusters else None,
        )


def write(folder: Path, catalogue: ProductCatalogue, dimensions: int, exact_up_to: int) -> None:
    """Write a copy into this folder, which is empty. More products than `exact_up_to` are sorted into clusters."""
    vector_file.write(folder, catalogue.embeddings(PAGE))
    file = VectorFile.open(folder, dimensions)
    if len(file.ids) > exact_up_to:
        clusters.write(folder / CLUSTERS, file.matrix)
