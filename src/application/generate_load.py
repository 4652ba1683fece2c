"""A load like that of a real shop: few users and products make most of the events, in sessions of a few minutes."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
from attrs import frozen

from application.event_message import Submission
from application.ports.system import Ids
from domain.interaction import EventType, Interaction

ZIPF_EXPONENT = 1.1
"""Of the ranks of users and products: the first is about twice as frequent as the second."""

SESSION_EVENTS = 8
"""Events of a session on average."""

STEPS = {EventType.VIEW: 0.62, EventType.CLICK: 0.2, EventType.SEARCH: 0.12, EventType.PURCHASE: 0.06}
"""How often each kind of event is, about as in published shop logs: many views, few purchases."""

WORDS = ("red", "blue", "vintage", "small", "large", "wooden", "glass", "mug", "lamp", "bag", "card", "candle", "clock")


@frozen(kw_only=True)
class Load:
    """How much: so many events of so many users."""

    users: int
    events: int
    seed: int


class GenerateLoad:
    """Makes events. The same seed gives the same users, products and order; message ids are always fresh."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __call__(self, load: Load, product_ids: Sequence[str], now: datetime) -> Iterator[Submission]:
        """Events of `load` about these products, which occurred a moment before `now`.

        Parameters
        ----------
        product_ids : at least one.
        """
        chooser = random.Random(load.seed)  # noqa: S311  # a load, not a secret
        users = _by_zipf(load.users, load.seed)
        products = _by_zipf(len(product_ids), load.seed + 1)
        left = load.events
        while left:
            length = min(left, 1 + int(chooser.expovariate(1 / (SESSION_EVENTS - 1))))
            left -= length
            user, session = next(users), f"session-{self._ids.new()}"
            started = now - timedelta(seconds=chooser.uniform(0, 60))
            for step in range(length):
                kind = chooser.choices(list(STEPS), list(STEPS.values()))[0]
                is_search = kind is EventType.SEARCH
                yield Submission(
                    event=Interaction(
                        message_id=f"load-{self._ids.new()}"[:128],
                        user_id=f"load-user-{user}",
                        event_type=kind,
                        occurred_at=min(now, started + timedelta(seconds=4 * step)),
                        product_id=None if is_search else product_ids[next(products)],
                        search_phrase=" ".join(chooser.sample(WORDS, 2)) if is_search else None,
                        user_session=session,
                    )
                )


def _by_zipf(count: int, seed: int) -> Iterator[int]:
    """Ranks 0 … count - 1 without end, each as often as Zipf's law says."""
    generator = np.random.default_rng(seed)
    weights = np.arange(1, count + 1, dtype=np.float64) ** -ZIPF_EXPONENT
    shares = np.cumsum(weights / weights.sum())
    while True:
        drawn = np.searchsorted(shares, generator.random(10_000), side="right")
        yield from np.minimum(drawn, count - 1).tolist()
