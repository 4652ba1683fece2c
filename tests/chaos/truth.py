"""What the ledgers say that the states must be: computed without any code of src/domain."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import numpy as np
from attrs import evolve, frozen

from tests.chaos.ledger import Entry
from tests.reference import Expected, RawEvent, expected_of

WEIGHTS: Mapping[str, float] = {"purchase": 1.0, "search": 0.7, "click": 0.5, "view": 0.3}
RATE_PER_DAY = 0.023


@frozen(kw_only=True, eq=False)
class Truth:
    """What was accepted.

    Parameters
    ----------
    users : the interactions of each user by message id; `retracted` is set where a retraction was accepted.
    positions : of each accepted event of a user, interactions and retractions, by message id.
    """

    users: Mapping[str, Mapping[str, RawEvent]]
    positions: Mapping[str, Mapping[str, int]]

    @property
    def accepted(self) -> int:
        """Different events."""
        return sum(map(len, self.positions.values()))

    @property
    def subjects(self) -> tuple[set[str], set[str]]:
        """Product ids, and phrases."""
        events = [event for events in self.users.values() for event in events.values()]
        phrases = {event.subject for event in events if event.event_type == "search"}
        return {event.subject for event in events if event.event_type != "search"}, phrases

    def badly_numbered(self) -> list[str]:
        """Users whose positions are not 1, 2, 3, …"""
        return [u for u, of in self.positions.items() if sorted(of.values()) != list(range(1, len(of) + 1))]

    def expected(self, user_id: str, vector_of: Callable[[str], np.ndarray]) -> Expected:
        """The sums of a user."""
        return expected_of(self.users[user_id].values(), user_id, vector_of, WEIGHTS, RATE_PER_DAY)


def truth_of(entries: Iterable[Entry]) -> Truth:
    """The truth of all ledgers together. Raises AssertionError where two answers contradict each other."""
    users: dict[str, dict[str, RawEvent]] = defaultdict(dict)
    positions: dict[str, dict[str, int]] = defaultdict(dict)
    retracted: set[str] = set()
    for entry in entries:
        message = entry.message
        known = positions[message["user_id"]].setdefault(entry.accepted_as, entry.position)
        assert known == entry.position, f"{entry.accepted_as} has positions {known} and {entry.position}"
        if "retracts" in message:
            retracted.add(message["retracts"])
            continue
        users[message["user_id"]][message["message_id"]] = RawEvent(
            user_id=message["user_id"],
            event_type=message["event_type"],
            subject=message["search_phrase"] if message["event_type"] == "search" else message["product_id"],
            occurred_at=datetime.fromisoformat(message["occurred_at"]),
        )
    marked = {
        user_id: {
            message_id: evolve(event, retracted=True) if message_id in retracted else event
            for message_id, event in events.items()
        }
        for user_id, events in users.items()
    }
    return Truth(users=marked, positions=positions)
