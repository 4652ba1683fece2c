"""A process that searches: `python -m tests.integration.copies_reader DATABASE FOLDER`; prints what it has found."""

import sys
from pathlib import Path

import numpy as np

from adapters.embedded_search.copies import Copies
from adapters.embedded_search.product_search import EmbeddedProductSearch
from adapters.sql.database import Database, sqlite_url
from adapters.sql.product_catalogue import SqlProductCatalogue
from adapters.system.system import SystemClock
from tests.builders import DIMENSIONS


def main() -> None:
    """Search once."""
    database = Database(sqlite_url(Path(sys.argv[1])), "DATABASE_URL")
    catalogue = SqlProductCatalogue(database, DIMENSIONS, "model-1")
    copies = Copies(catalogue, lambda: Path(sys.argv[2]), DIMENSIONS, SystemClock(), exact_up_to=100)
    [found] = EmbeddedProductSearch(copies).nearest(np.eye(1, DIMENSIONS, dtype=np.float32), 5)
    sys.stdout.write(" ".join(product.product_id for product in found))
    database.dispose()


if __name__ == "__main__":
    main()
