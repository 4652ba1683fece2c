"""What users do: events with retractions among them, at random and the same again for the same seed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from attrs import frozen

Message = Mapping[str, Any]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@frozen
class Journeys:
    """Messages in the order in which they happened to be sent."""

    messages: Sequence[Message]

    @property
    def users(self) -> frozenset[str]:
        """Everybody who did something."""
        return frozenset(message["user_id"] for message in self.messages)

    @property
    def products(self) -> frozenset[str]:
        """Everything that somebody had to do with."""
        return frozenset(message["product_id"] for message in self.messages if "product_id" in message)

    @cached_property
    def gone(self) -> frozenset[str]:
        """The message ids of what was taken back."""
        return frozenset(message["retracts"] for message in self.messages if "retracts" in message)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many events of each user are live."""
        counts = Counter(dict.fromkeys(self.users, 0))
        counts.update(m["user_id"] for m in self.messages if "retracts" not in m and m["message_id"] not in self.gone)
        return counts


def journeys(prefix: str, count: int, users: int = 5, seed: int = 1, taken_back: float = 0.1) -> Journeys:
    """Events of some users on 30 products; this part of them takes an earlier one of the same user back."""
    random = Random(seed)
    messages: list[Message] = []
    alive: dict[str, list[str]] = {}
    for number in range(count):
        user_id, message_id = f"{prefix}-u{random.randrange(users)}", f"{prefix}-m{number}"
        at = {"message_id": message_id, "user_id": user_id, "occurred_at": _time(random)}
        targets = alive.setdefault(user_id, [])
        if targets and random.random() < taken_back:
            messages.append({**at, "retracts": targets.pop(random.randrange(len(targets)))})
            continue
        kind, product = random.choice(["view", "click", "purchase"]), f"{prefix}-p{random.randrange(30)}"
        messages.append({**at, "event_type": kind, "product_id": product})
        targets.append(message_id)
    return Journeys(messages)


def _time(random: Random) -> str:
    return (LONG_AGO + timedelta(microseconds=random.randrange(10**13))).isoformat()
