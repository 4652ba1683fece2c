"""Ten recommendations with reasons, from no more than a user's id: of 4,000 and a million products, beside numpy."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from application.popular_products import KEPT_SECONDS
from application.recommend import Wishes
from benchmarks.made_up_shop import BUSY, BUSY_EVENTS, DAYS, EVENTS, USERS, MadeUpShop, made_up_shop
from benchmarks.report import Report
from domain.blend import Source
from domain.vectors import Vector

SIZES = (4_000, 1_000_000)
RECOMMENDATIONS = 300
RARE = 30
"""Of what takes its time, or happens once a minute."""
WARM_UP = 20
"""Users who do not count, the first of each."""
LIMIT = 10
DIVERSITY = 0.3
WANTED_MS = 20
PLAIN = "plain numpy: matrix @ vector, argpartition"

Ask = Callable[[str], object]
Milliseconds = Mapping[str, Sequence[float]]


def main(report: Report) -> None:
    """Measure both sizes, and print their tables."""
    for size in SIZES:
        start = time.perf_counter()
        with made_up_shop(size) as shop:
            measure(report, shop, size, made_seconds=time.perf_counter() - start)


def measure(report: Report, shop: MadeUpShop, size: int, made_seconds: float) -> None:
    """Ask for recommendations in one shop, and print the table."""
    first = _ms(_asking(shop, Wishes(limit=LIMIT)), shop.users[0])
    ms = {**_in_turn(_contestants(shop), shop.users[1:]), **_rare(shop)}
    report.table(
        f"recommend {size}",
        f"Recommending {LIMIT} of {size:,} products on embedded parts, one user at a time, "
        f"{RECOMMENDATIONS} users in turn",
        ("", "calls", "p50 ms", "p99 ms", "longest ms"),
        [
            (who, str(len(some)), *(f"{np.percentile(some, percent):.2f}" for percent in (50, 99, 100)))
            for who, some in ms.items()
        ],
        raw={"first": first, **ms},
        notes=(
            f"{USERS:,} users with {EVENTS} events each over the last {DAYS} days; one with {BUSY_EVENTS:,}.",
            f"The first call, which makes the copy of the catalogue, took {first / 1_000:.1f} s.",
            f"The shop was made in {made_seconds:.0f} s.",
            f"Wanted: p99 under {WANTED_MS} ms.",
        ),
    )


def _contestants(shop: MadeUpShop) -> Mapping[str, Ask]:
    return {
        PLAIN: _plain(shop),
        "recommend": _asking(shop, Wishes(limit=LIMIT)),
        "recommend --by embedding": _asking(shop, Wishes(limit=LIMIT, sources=[Source.EMBEDDING])),
        f"recommend --diversity {DIVERSITY}": _asking(shop, Wishes(limit=LIMIT, diversity=DIVERSITY)),
    }


def _asking(shop: MadeUpShop, wishes: Wishes) -> Ask:
    recommend = shop.container.recommend()

    def ask(user_id: str) -> object:
        found = recommend(user_id, wishes)
        assert len(found) == wishes.limit
        return found

    return ask


def _plain(shop: MadeUpShop) -> Ask:
    states = shop.container.store().read(shop.users)
    vectors: dict[str, Vector] = {id_: state.embedding for id_, state in states.items() if state.embedding is not None}

    def ask(user_id: str) -> object:
        scores = shop.matrix @ vectors[user_id]
        best = np.argpartition(scores, -LIMIT)[-LIMIT:]
        return best[np.argsort(-scores[best])]

    return ask


def _in_turn(contestants: Mapping[str, Ask], users: Sequence[str]) -> Milliseconds:
    """Each user is asked for by all, one after the other, so that a busy moment is one for all."""
    for user_id in users[:WARM_UP]:
        for ask in contestants.values():
            ask(user_id)
    ms: dict[str, list[float]] = {name: [] for name in contestants}
    for user_id in users[WARM_UP : WARM_UP + RECOMMENDATIONS]:
        for name, ask in contestants.items():
            ms[name].append(_ms(ask, user_id))
    return ms


def _rare(shop: MadeUpShop) -> Milliseconds:
    """What only some users meet with."""
    ask, users = _asking(shop, Wishes(limit=LIMIT)), shop.users[-RARE:]

    def a_minute_later(user_id: str) -> object:
        shop.clock.seconds_ahead += KEPT_SECONDS
        return ask(user_id)

    return {
        "recommend, the first in a minute": [_ms(a_minute_later, user_id) for user_id in users],
        f"recommend, a user with {BUSY_EVENTS:,} events": [_ms(ask, BUSY) for _ in range(RARE)],
    }


def _ms(ask: Ask, user_id: str) -> float:
    start = time.perf_counter()
    ask(user_id)
    return 1_000 * (time.perf_counter() - start)
