"""Product search on copies of the catalogue: which copy is searched, how copies come and go, and what clusters find."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from adapters.embedded_search.copies import Copies
from adapters.embedded_search.product_search import EmbeddedProductSearch
from adapters.memory.product_catalogue import MemoryProductCatalogue
from adapters.memory.system import ManualClock
from application.ports.product_catalogue import CataloguePut
from application.ports.product_search import FoundProduct
from domain.errors import StorageFullError, UnavailableError
from domain.vectors import Matrix
from tests.builders import NOW, in_catalogue, unit_vectors
from tests.services.waiting import wait_until

DIMENSIONS = 32
SECONDS = 30


class SlowCatalogue(MemoryProductCatalogue):
    """Hands out its products when it may, and takes as long for it on the clock as the test says."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(DIMENSIONS, "model-1")
        self.may = Event()
        self.may.set()
        self.takes = timedelta()
        self.error: Exception | None = None
        self.times_each = 1
        self.times_read = 0
        self._clock = clock

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        self.times_read += 1
        if not self.may.wait(SECONDS):
            raise TimeoutError("the test never let it go on")
        self._clock.advance(self.takes)
        if self.error is not None:
            raise self.error
        for found in super().embeddings(1 if self.times_each > 1 else page):
            yield from self.times_each * [found]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def catalogue(clock: ManualClock) -> SlowCatalogue:
    return SlowCatalogue(clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "search"


def _put(catalogue: MemoryProductCatalogue, ids: Sequence[str], vectors: Matrix) -> None:
    products = [in_catalogue(id_, embedding=vector) for id_, vector in zip(ids, vectors, strict=True)]
    assert not catalogue.put([CataloguePut(product=product, expected_revision=0) for product in products])


def _opened(
    catalogue: MemoryProductCatalogue, folder: Path, clock: ManualClock, patience: float = 0.0, exact_up_to: int = 100
) -> EmbeddedProductSearch:
    return EmbeddedProductSearch(
        Copies(catalogue, lambda: folder, DIMENSIONS, clock, exact_up_to=exact_up_to, patience_seconds=patience)
    )


def _all(search: EmbeddedProductSearch) -> set[str]:
    [found] = search.nearest(unit_vectors(1, DIMENSIONS), 100)
    return {product.product_id for product in found}


def _copies(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_the_last_copy_is_searched_while_the_next_is_made(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    _put(catalogue, ["a"], unit_vectors(1, DIMENSIONS))
    search = _opened(catalogue, folder, clock)
    assert _all(search) == {"a"}
    catalogue.may.clear()
    _put(catalogue, ["b"], unit_vectors(1, DIMENSIONS))

    assert [_all(search), _all(search)] == [{"a"}, {"a"}]

    catalogue.may.set()
    assert wait_until(lambda: _all(search) == {"a", "b"}, SECONDS, "the next copy")
    assert catalogue.times_read == 2


def test_a_copy_is_made_once_and_the_old_one_is_removed(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    searches = [_opened(catalogue, folder, clock, SECONDS) for _ in range(3)]
    for number in range(3):
        _put(catalogue, [f"p{number}"], unit_vectors(1, DIMENSIONS))
        assert [len(_all(search)) for search in searches] == [number + 1] * 3

    assert catalogue.times_read == 3
    assert _copies(folder) == {str(catalogue.revision())}


def test_one_that_starts_goes_on_with_the_copy_that_is_there(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    _put(catalogue, ["a"], unit_vectors(1, DIMENSIONS))
    _all(_opened(catalogue, folder, clock))
    _put(catalogue, ["b"], unit_vectors(1, DIMENSIONS))
    catalogue.may.clear()

    assert _all(_opened(catalogue, folder, clock)) == {"a"}

    catalogue.may.set()


def test_what_somebody_who_died_left_behind_is_no_copy(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    _put(catalogue, ["a"], unit_vectors(1, DIMENSIONS))
    (folder / "unfinished").mkdir(parents=True)
    (folder / "unfinished" / "ids.json").write_text('["x", "y"')
    (folder / "unfinished" / "clusters.faiss").write_text("half of it")

    assert _all(_opened(catalogue, folder, clock)) == {"a"}
    assert _copies(folder) == {str(catalogue.revision())}


@pytest.mark.parametrize("name", ["ids.json", "vectors.float32", "clusters.faiss"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_damaged_copy_is_made_anew(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock, name: str, is_there: bool
) -> None:
    ids = [f"p{number}" for number in range(200)]
    _put(catalogue, ids, unit_vectors(200, DIMENSIONS))
    _all(_opened(catalogue, folder, clock))
    file = folder / str(catalogue.revision()) / name
    if is_there:
        file.write_bytes(file.read_bytes()[:100])
    else:
        file.unlink()

    search = _opened(catalogue, folder, clock)

    assert len(_all(search)) == 100
    assert _all(search) == _all(_opened(catalogue, folder, clock))


def test_a_product_that_comes_twice_is_found_once(catalogue: SlowCatalogue, folder: Path, clock: ManualClock) -> None:
    vectors = unit_vectors(2, DIMENSIONS)
    _put(catalogue, ["a", "b"], vectors)
    catalogue.times_each = 2

    [found] = _opened(catalogue, folder, clock).nearest(vectors[1:], 10)

    assert [product.product_id for product in found] == ["b", "a"]
    assert found[0].similarity == pytest.approx(1, abs=1e-6)


def test_a_copy_that_took_long_is_followed_by_a_rest(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    catalogue.takes = timedelta(seconds=60)
    search = _opened(catalogue, folder, clock, SECONDS)
    assert _all(search) == set()
    _put(catalogue, ["a"], unit_vectors(1, DIMENSIONS))

    clock.advance(timedelta(seconds=239))
    assert _all(search) == set()
    clock.advance(timedelta(seconds=2))
    assert _all(search) == {"a"}


def test_a_copy_that_cannot_be_made_is_told_and_tried_again(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    search = _opened(catalogue, folder, clock, SECONDS)
    catalogue.error = OSError(28, "No space left on device")
    with pytest.raises(StorageFullError, match="PENCHANT_HOME"):
        _all(search)
    catalogue.error = UnavailableError("The catalogue is away.")
    with pytest.raises(UnavailableError, match="The catalogue is away"):
        _all(search)

    catalogue.error = None

    assert _all(search) == set()


def test_a_failure_that_nobody_has_waited_for_is_told_to_the_next(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    search = _opened(catalogue, folder, clock)
    _all(search)
    _put(catalogue, ["a"], unit_vectors(1, DIMENSIONS))
    catalogue.error = UnavailableError("The catalogue is away.")

    def told() -> bool:
        try:
            return bool(_all(search))
        except UnavailableError:
            return True

    assert wait_until(told, SECONDS, "the failure")


def test_clusters_find_nearly_all_that_is_nearest(
    catalogue: SlowCatalogue, folder: Path, tmp_path: Path, clock: ManualClock
) -> None:
    ids = [f"p{number}" for number in range(20_000)]
    _put(catalogue, ids, unit_vectors(len(ids), DIMENSIONS))
    vectors = unit_vectors(50, DIMENSIONS, seed=2)
    without, among = ids[::7], ids[::3]
    search = _opened(catalogue, folder, clock)
    exact = _opened(catalogue, tmp_path / "exact", clock, exact_up_to=len(ids))

    found, nearest = (one.nearest(vectors, 10, without=without) for one in (search, exact))

    assert 0.9 < _recall(found, nearest) < 1  # so much is approximate, and no more
    assert all(len(some) == 10 for some in found)
    assert not {product.product_id for some in found for product in some} & set(without)
    assert search.nearest(vectors, 10, among=among) == exact.nearest(vectors, 10, among=among)


def _recall(found: Sequence[Sequence[FoundProduct]], nearest: Sequence[Sequence[FoundProduct]]) -> float:
    """Which part of the nearest was found, with the right similarities."""
    pairs = zip(found, nearest, strict=True)
    return sum(len(set(some) & set(best)) for some, best in pairs) / sum(map(len, nearest))


def test_whoever_wants_more_than_near_clusters_hold_gets_it(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock
) -> None:
    ids = [f"p{number:04}" for number in range(6_000)]
    _put(catalogue, ids, unit_vectors(len(ids), DIMENSIONS))
    search = _opened(catalogue, folder, clock)

    for without in ((), ids[10:]):
        [found] = search.nearest(unit_vectors(1, DIMENSIONS), 7_000, without=without)
        assert sorted(product.product_id for product in found) == sorted(set(ids) - set(without))


@pytest.mark.parametrize("count", [1, 5_000, 40_000])
def test_exact_search_finds_what_sorting_finds(
    catalogue: SlowCatalogue, folder: Path, clock: ManualClock, count: int
) -> None:
    products = unit_vectors(count, DIMENSIONS)
    ids = [f"p{number}" for number in range(count)]
    _put(catalogue, ids, products)
    vectors = unit_vectors(3, DIMENSIONS, seed=2)

    found = _opened(catalogue, folder, clock, exact_up_to=count).nearest(vectors, 20, without=ids[::3])

    left = np.array([number for number in range(count) if number % 3])
    for vector, some in zip(vectors, found, strict=True):
        best = left[np.argsort(-(products[left].astype(float) @ vector), kind="stable")[:20]] if len(left) else []
        assert [product.product_id for product in some] == [ids[row] for row in best]
