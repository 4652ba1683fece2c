"""Ten recommendations with reasons, from no more than a user's id: of 4,000 and a million products, beside numpy."""

import time
from collections.abc import Mapping

import numpy as np

from application.popular_products import KEPT_SECONDS
from application.recommend import Wishes
from benchmarks.latency import COLUMNS, Ask, Latencies, asked, asked_in_turn
from benchmarks.made_up_shop import BUSY, BUSY_EVENTS, DAYS, EVENTS, USERS, MadeUpShop, made_up_shop
from benchmarks.report import Report
from domain.blend import Source
from domain.vectors import Vector

SIZES = (4_000, 1_000_000)
WARM_UP = 20
RECOMMENDATIONS = 300
RARE = 30
"""Of what takes its time, or happens once a minute."""
LIMIT = 10
DIVERSITY = 0.3
WANTED_MS = 20


def main(report: Report) -> None:
    """Measure both sizes, and print their tables."""
    for size in SIZES:
        start = time.perf_counter()
        with made_up_shop(size) as shop:
            measure(report, shop, size, made_seconds=time.perf_counter() - start)


def measure(report: Report, shop: MadeUpShop, size: int, made_seconds: float) -> None:
    """Ask for recommendations in one shop, and print the table."""
    first = asked(_asking(shop, Wishes(limit=LIMIT)), shop.users[:1])
    users = shop.users[1 : 1 + WARM_UP + RECOMMENDATIONS]
    latencies = {**asked_in_turn(_contestants(shop), users, WARM_UP), **_rare(shop)}
    report.table(
        f"recommend {size}",
        f"{LIMIT} of {size:,} products recommended on embedded parts, one user at a time, {RECOMMENDATIONS} in turn",
        COLUMNS,
        [(who, *some.cells()) for who, some in latencies.items()],
        raw={"first": first.raw(), **{who: some.raw() for who, some in latencies.items()}},
        notes=(
            f"{USERS:,} users with {EVENTS} events each over the last {DAYS} days; one with {BUSY_EVENTS:,}.",
            f"The first call, which makes the copy of the catalogue, took {first.ms[0] / 1_000:.1f} s.",
            f"The shop was made in {made_seconds:.0f} s.",
            f"Wanted: p99 under {WANTED_MS} ms.",
        ),
    )


def _contestants(shop: MadeUpShop) -> Mapping[str, Ask]:
    return {
        "plain numpy": _plain(shop),
        "recommend": _asking(shop, Wishes(limit=LIMIT)),
        "--source embedding": _asking(shop, Wishes(limit=LIMIT, sources=[Source.EMBEDDING])),
        f"--diversity {DIVERSITY}": _asking(shop, Wishes(limit=LIMIT, diversity=DIVERSITY)),
    }


def _asking(shop: MadeUpShop, wishes: Wishes) -> Ask:
    recommend = shop.container.recommend()

    def ask(user_id: str) -> object:
        found = recommend(user_id, wishes)
        assert len(found) == wishes.limit
        return found

    return ask


def _plain(shop: MadeUpShop) -> Ask:
    """The nearest, from vectors in memory, and nothing else."""
    states = shop.container.store().read(shop.users)
    vectors: dict[str, Vector] = {id_: state.embedding for id_, state in states.items() if state.embedding is not None}

    def ask(user_id: str) -> object:
        scores = shop.matrix @ vectors[user_id]
        best = np.argpartition(scores, -LIMIT)[-LIMIT:]
        return best[np.argsort(-scores[best])]

    return ask


def _rare(shop: MadeUpShop) -> Mapping[str, Latencies]:
    """What only some meet with."""
    ask = _asking(shop, Wishes(limit=LIMIT))

    def a_minute_later(user_id: str) -> object:
        shop.clock.seconds_ahead += KEPT_SECONDS
        return ask(user_id)

    return {
        "while popularity is read anew": asked(a_minute_later, shop.users[-RARE:]),
        f"a user with {BUSY_EVENTS:,} events": asked(ask, [BUSY] * RARE),
    }
