"""Whether there is something to evaluate, and what cannot be: sentences that say what is missing and what to do."""

from collections.abc import Iterator

import numpy as np

from application.contenders import has_several_types
from application.past import Past
from domain.errors import InvalidValueError
from domain.event_columns import TYPES, EventColumns
from domain.instant import from_microseconds

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
