"""Whether there is something to evaluate, and what cannot be: sentences that say what is missing and what to do."""

from collections.abc import Iterator

import numpy as np

from application.contenders import has_several_types
from application.past import Past
from application.targets import Shelf
from domain.errors import InvalidValueError
from domain.event_columns import TYPES, EventColumns
from domain.instant import from_microseconds

FEWEST_USERS = 20
"""Of fewer no interval is told."""
ENOUGH_USERS = 200
"""Of fewer the bootstrap's intervals are too narrow: at 20 and few hits, 95% of them cover two thirds."""
SHOWN = 3
"""Ids that are named for example."""


def check_events(events: EventColumns) -> None:
    """Raise InvalidValueError unless there are purchases, at more than one time."""
    if not len(events):
        remedy = "import some (penchant events import), or name files (--from, --products)"
        raise InvalidValueError("events", "are missing: there is not a single one", remedy)
    if events.times_us[0] == events.times_us[-1]:
        when = _time(int(events.times_us[0]))
        raise InvalidValueError("events", f"all occurred at {when}", "send the times at which they occurred")
    if not len(events.purchases()):
        remedy = "import purchases, because it is these that are predicted"
        raise InvalidValueError("events", f"hold {_types(events)} and no purchase", remedy)


def check_sides(past: Past, future: EventColumns) -> None:
    """Raise InvalidValueError unless there are purchases before and after the moment, and vectors of products."""
    remedy = "move it with --at or --train-share"
    for side, purchases in (("before", past.events.purchases()), ("after", future.purchases())):
        if not len(purchases):
            raise InvalidValueError("events", f"hold no purchase {side} {_time(past.at_us)}", remedy)
    if not past.has_vector[past.candidates].any():
        named = ", ".join(past.events.product_ids[product] for product in past.candidates[:SHOWN])
        problem = f"have no vector, not one of the {len(past.candidates):,} in the events ({named}, …)"
        raise InvalidValueError("products", problem, "give their texts under exactly these ids (products import)")


def check_users(shelf: Shelf, min_events: int, where: str = "") -> None:
    """Raise InvalidValueError unless the shelf has enough users."""
    if len(shelf.users) < FEWEST_USERS:
        remedy = "lower --min-events, move --at to where more is known on both sides, or collect more events"
        raise InvalidValueError("users", too_few(shelf, min_events) + where, remedy)


def check_candidates(past: Past) -> None:
    """Raise InvalidValueError unless there is something to recommend that has a vector."""
    if not past.has_vector[past.candidates].any():
        problem = f"with a vector have no event before {_time(past.at_us)}, where validation begins"
        raise InvalidValueError("products", problem, "move --at to later, or give the texts of more products")


def too_few(shelf: Shelf, min_events: int) -> str:
    """How many users the shelf has, which are not enough."""
    what = "what they had bought before" if shelf.of_bought else "something new"
    return (
        f"are too few: {len(shelf.users):,} with at least {min_events:,} events before the moment bought {what} after "
        f"it (of what has a vector), and an interval needs {FEWEST_USERS}"
    )


def notes_on_users(shelf: Shelf, sampled: Shelf) -> Iterator[str]:
    """What is to be said of how many users there are."""
    if len(sampled.users) < len(shelf.users):
        yield f"Of {len(shelf.users):,} users, {len(sampled.users):,} are looked at, drawn by lot."
    if len(sampled.users) < ENOUGH_USERS:
        yield f"{len(sampled.users):,} users are few: the intervals are narrower than they should be."


def notes(past: Past, future: EventColumns) -> Iterator[str]:
    """What cannot be compared, or does not count."""
    if not has_several_types(past):
        yield f"All events before the moment are of one type ({_types(past.events)}): weights cannot be compared."
    without = int(np.count_nonzero(~past.has_vector[past.candidates]))
    if without:
        yield f"{without:,} of {len(past.candidates):,} products have no vector, so that they are not recommended."
    unknown = _unknown(past, future)
    if unknown:
        yield f"{unknown:,} purchases after the moment are of products first seen after it, which nobody could know."


def _unknown(past: Past, future: EventColumns) -> int:
    return int(np.count_nonzero(~np.isin(future.purchases().subjects, past.candidates)))


def _types(events: EventColumns) -> str:
    return ", ".join(TYPES[number] for number in np.unique(events.types))


def _time(at_us: int) -> str:
    return f"{from_microseconds(at_us):%Y-%m-%d %H:%M:%S} UTC"
