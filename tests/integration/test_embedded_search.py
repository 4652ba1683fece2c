"""Several processes on one folder of copies."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.sql.database import Database, sqlite_url
from adapters.sql.product_catalogue import SqlProductCatalogue
from adapters.sql.schema import SqlSchema
from application.ports.product_catalogue import CataloguePut
from domain.product import ProductEmbedding
from tests.builders import DIMENSIONS, in_catalogue, unit_vectors

PROCESSES = 4
PRODUCTS = 500
SECONDS = 120


def test_processes_that_start_at_once_make_one_copy_and_find_the_same(tmp_path: Path) -> None:
    path, folder = tmp_path / "penchant.db", tmp_path / "search"
    vectors = unit_vectors(PRODUCTS)
    revision = _filled(path, [in_catalogue(f"p{n}", embedding=vector) for n, vector in enumerate(vectors)])
    (folder / "0").mkdir(parents=True)  # as if one of before were just being removed: it holds nothing any more

    found = _found_by_all(path, folder)

    best = sorted(range(PRODUCTS), key=lambda row: -vectors[row][0])[:5]
    assert found == {" ".join(f"p{row}" for row in best)}
    assert {one.name for one in folder.iterdir() if one.is_dir()} == {str(revision)}


def _filled(path: Path, products: Sequence[ProductEmbedding]) -> int:
    database = Database(sqlite_url(path), "DATABASE_URL")
    SqlSchema(database).upgrade()
    catalogue = SqlProductCatalogue(database, DIMENSIONS, "model-1")
    assert not catalogue.put([CataloguePut(product=product, expected_revision=0) for product in products])
    revision = catalogue.revision()
    database.dispose()
    return revision


def _found_by_all(path: Path, folder: Path) -> set[str]:
    """What processes find that start at the same time."""
    command = [sys.executable, "-m", "tests.integration.copies_reader", str(path), str(folder)]
    root = Path(__file__).parents[2]
    started = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    answers = [process.communicate(timeout=SECONDS)[0] for process in started]
    assert [process.returncode for process in started] == [0] * PROCESSES
    return set(answers)
