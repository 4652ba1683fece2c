"""The products nearest to a user: exact and approximate search beside plain numpy, at 4,000 and a million products."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from attrs import asdict, frozen

from adapters.embedded_search import exact
from adapters.embedded_search.catalogue_copy import CatalogueCopy
from adapters.embedded_search.copies import Copies
from adapters.embedded_search.product_search import EmbeddedProductSearch
from adapters.embedded_search.vector_file import Rows
from adapters.system.system import SystemClock
from adapters.wordllama.embedder import DIMENSIONS
from application.ports.product_search import FoundProduct
from benchmarks.made_up_catalogue import MadeUpCatalogue, embedded, product_id, real_texts
from benchmarks.report import Report
from domain.vectors import Matrix, Vector, unit_rows

SIZES = (4_000, 1_000_000)
QUERIES = 300
LIMIT = 10
CANDIDATES = 200
"""How many a recommendation asks of each of its sources."""
BOUGHT = 100
"""Products that are left out."""
WARM_UP = 20
"""Users who do not count, the first of each: files are mapped, and pages are read."""
PLAIN = "plain numpy"
"""The others are held against it."""

EVENTS = 10

WANTED_MS, WANTED_RECALL = 20, 0.95

LONG_SECONDS = 1_800
LOOK_SECONDS = 0.02


@frozen(kw_only=True, eq=False)
class User:
    """An embedding, the decayed sum of EVENTS products, and what has been bought."""

    vector: Vector
    rows: Rows
    ids: Sequence[str]


Find = Callable[[User], Sequence[int]]


@frozen(kw_only=True)
class Making:
    """What it took to make a copy of the catalogue with clusters."""

    seconds: float
    processor_seconds: float
    peak_bytes: int
    """Of memory, beside what files are mapped into."""
    disk_bytes: int


@frozen(kw_only=True)
class Found:
    """How fast somebody was, and how much of the nearest they have found."""

    ms: Sequence[float]
    recall: float


def main(report: Report) -> None:
    """Measure both sizes, and print their tables."""
    vectors = embedded(real_texts())
    for size in SIZES:
        with TemporaryDirectory(prefix="penchant-search-") as folder:
            _measure(report, MadeUpCatalogue(vectors, size), size, Path(folder) / "copies")


def _measure(report: Report, catalogue: MadeUpCatalogue, size: int, folder: Path) -> None:
    copies = Copies(catalogue, lambda: folder, DIMENSIONS, SystemClock(), exact_up_to=0)
    copy, making = _made(copies, folder)
    users = _users(copy.file.matrix)
    asked = {limit: _in_turn(_contestants(copies, copy, limit), users) for limit in (LIMIT, CANDIDATES)}
    report.table(
        f"search {size}",
        f"The nearest of {size:,} products, {DIMENSIONS} dimensions, one user at a time, {QUERIES} users in turn",
        ("", "wanted", "p50 ms", "p99 ms", "recall"),
        [
            (who, str(limit), _percentile(found, 50), _percentile(found, 99), f"{found.recall:.3f}")
            for limit, contest in asked.items()
            for who, found in contest.items()
        ],
        raw={
            "making": asdict(making),
            **{str(limit): {who: asdict(found) for who, found in contest.items()} for limit, contest in asked.items()},
        },
        notes=(
            f"For each user, {BOUGHT} products are left out.",
            f"The copy took {making.seconds:.1f} s and {making.processor_seconds:.1f} s of a processor.",
            f"It took {making.peak_bytes / 2**20:,.0f} MiB of memory and {making.disk_bytes / 2**20:,.0f} MiB of disk.",
            f"Wanted: p99 under {WANTED_MS} ms, with recall of {WANTED_RECALL} of the {LIMIT} nearest.",
        ),
    )


def _made(copies: Copies, folder: Path) -> tuple[CatalogueCopy, Making]:
    """Make the copy, and watch its memory."""
    before, start, processor = _own_bytes(), time.perf_counter(), time.process_time()
    peak = before
    with ThreadPoolExecutor(1) as maker:
        making = maker.submit(copies.latest)
        while not making.done():
            wait([making], LOOK_SECONDS)
            peak = max(peak, _own_bytes())
            assert time.perf_counter() - start < LONG_SECONDS
    return making.result(), Making(
        seconds=time.perf_counter() - start,
        processor_seconds=time.process_time() - processor,
        peak_bytes=peak - before,
        disk_bytes=sum(path.stat().st_size for path in folder.rglob("*")),
    )


def _own_bytes() -> int:
    """Memory of this process that is no mapped file."""
    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def _users(products: Matrix) -> Sequence[User]:
    random = np.random.default_rng(2)
    users = []
    for _ in range(QUERIES):
        bought = random.choice(len(products), size=BOUGHT, replace=False)
        summed = random.exponential(size=EVENTS) @ products[bought[:EVENTS]]
        [vector] = unit_rows("embedding", summed[np.newaxis], DIMENSIONS)
        users.append(User(vector=vector, rows=bought, ids=[product_id(row) for row in bought]))
    return users


def _contestants(copies: Copies, copy: CatalogueCopy, limit: int) -> Mapping[str, Find]:
    """Each finds the rows of what is nearest."""
    search, matrix = EmbeddedProductSearch(copies), np.asarray(copy.file.matrix)

    def plain(user: User) -> Sequence[int]:
        scores = matrix @ user.vector
        scores[user.rows] = -np.inf
        best = np.argpartition(scores, -limit)[-limit:]
        return [int(row) for row in best[np.argsort(-scores[best])]]

    def exactly(user: User) -> Sequence[int]:
        without = copy.file.rows_of(user.ids)
        return _rows(exact.search(copy.file, user.vector[np.newaxis], limit, without=without, among=None)[0])

    def approximately(user: User) -> Sequence[int]:
        return _rows(search.nearest(user.vector[np.newaxis], limit, without=user.ids)[0])

    return {PLAIN: plain, "Penchant, exact": exactly, "Penchant, approximate": approximately}


def _in_turn(contestants: Mapping[str, Find], users: Sequence[User]) -> Mapping[str, Found]:
    """Each user is asked for by all, one after the other, so that a busy moment is one for all."""
    ms: dict[str, list[float]] = {name: [] for name in contestants}
    shares: dict[str, list[float]] = {name: [] for name in contestants}
    for find in contestants.values():
        for user in users[:WARM_UP]:
            find(user)
    for user in users:
        rows: dict[str, Sequence[int]] = {}
        for name, find in contestants.items():
            start = time.perf_counter()
            rows[name] = find(user)
            ms[name].append(1_000 * (time.perf_counter() - start))
        for name, found in rows.items():
            shares[name].append(len(set(found) & set(rows[PLAIN])) / len(rows[PLAIN]))
    return {name: Found(ms=ms[name], recall=sum(shares[name]) / len(users)) for name in contestants}


def _rows(found: Sequence[FoundProduct]) -> Sequence[int]:
    return [int(product.product_id[1:]) for product in found]


def _percentile(found: Found, percent: int) -> str:
    return f"{np.percentile(found.ms, percent):.2f}"
