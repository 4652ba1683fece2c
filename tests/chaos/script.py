"""What the recorders are to send: the events of a run, with repeats, retractions and products that come late."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from attrs import frozen

from tests.chaos.plan import Plan

Message = Mapping[str, Any]

ODD_USERS = ("ann", "Ann", "ann ", "\u00e4nn", "a\u0308nn", "ANN")
"""Ids that a database may take for one another."""

WORDS = ("red", "blue", "vintage", "small", "large", "wooden", "glass", "mug", "lamp", "bag", "card", "candle", "clock")
TYPES = {"view": 0.53, "click": 0.2, "search": 0.18, "purchase": 0.09}
RETRACTED = 0.06
REPEATED = 0.12
ZIPF_EXPONENT = 1.1
DAYS = 60.0
WAVES = (0.0, 0.25, 0.5, 0.75)
"""Parts of the script after which more products are imported; events about them come from the start."""
IN_FIRST_WAVE = 0.7


@frozen(kw_only=True)
class Script:
    """What is sent and imported.

    Parameters
    ----------
    lines : for each recorder the messages that it sends, in this order.
    waves : for each part of WAVES the products that are imported then, id and text.
    """

    lines: Sequence[Sequence[Message]]
    waves: Sequence[Mapping[str, str]]

    @property
    def length(self) -> int:
        """All messages, repeats too."""
        return sum(map(len, self.lines))


def write_script(plan: Plan, now: datetime) -> Script:
    """The script of a plan, all of whose events occurred before `now`."""
    chooser = random.Random(plan.seed)
    products = {f"product-{number}": _text(chooser) + f" no. {number}" for number in range(plan.products)}
    waves: list[dict[str, str]] = [{} for _ in WAVES]
    for product_id, text in products.items():
        wave = 0 if chooser.random() < IN_FIRST_WAVE else chooser.randrange(1, len(WAVES))
        waves[wave][product_id] = text
    sent = sorted(_sendings(plan, list(products), now, chooser), key=lambda sending: sending[0])
    lines: list[list[Message]] = [[] for _ in range(plan.recorders)]
    for _, message in sent:
        chooser.choice(lines).append(message)
    return Script(lines=lines, waves=waves)


def _sendings(
    plan: Plan, product_ids: Sequence[str], now: datetime, chooser: random.Random
) -> Iterator[tuple[float, Message]]:
    """Messages, each with the time in the script at which it is sent; the event with number n first at n."""
    users = [*ODD_USERS, *(f"user-{number}" for number in range(plan.users - len(ODD_USERS)))]
    chooser.shuffle(users)
    user_ranks, product_ranks = _by_zipf(len(users), plan.seed), _by_zipf(len(product_ids), plan.seed + 1)
    live: list[Message] = []
    for number in range(plan.events):
        if live and chooser.random() < RETRACTED:
            message = _retraction(number, live.pop(_target(len(live), chooser)), now)
        else:
            user, product = users[next(user_ranks)], product_ids[next(product_ranks)]
            message = _interaction(number, user, product, now, chooser)
            live.append(message)
        yield number, message
        while chooser.random() < REPEATED:
            yield number + _delay(plan.events, chooser), _again(message, chooser)


def _interaction(number: int, user_id: str, product_id: str, now: datetime, chooser: random.Random) -> Message:
    event_type = chooser.choices(list(TYPES), list(TYPES.values()))[0]
    subject = {"search_phrase": _text(chooser)} if event_type == "search" else {"product_id": product_id}
    occurred_at = now - timedelta(days=chooser.uniform(0, DAYS) ** chooser.choice((0.2, 1.0)))
    common = {"message_id": f"event-{number}", "user_id": user_id, "occurred_at": occurred_at.isoformat()}
    return {**common, "event_type": event_type, **subject}


def _retraction(number: int, target: Message, now: datetime) -> Message:
    return {
        "message_id": f"event-{number}",
        "user_id": target["user_id"],
        "retracts": target["message_id"],
        "occurred_at": now.isoformat(),
    }


def _target(live: int, chooser: random.Random) -> int:
    """Which event is retracted: one that has just been sent, or any."""
    return max(0, live - 1 - chooser.randrange(20)) if chooser.random() < 0.5 else chooser.randrange(live)


def _delay(events: int, chooser: random.Random) -> float:
    """How much later a repeat is sent: at the same time (perhaps by the other recorder), soon, or much later."""
    return chooser.choice((0.1, chooser.uniform(0, 50), chooser.uniform(0, events / 4)))


def _again(message: Message, chooser: random.Random) -> Message:
    """The same message; a retraction sometimes under another id, which is the same retraction all the same."""
    if "retracts" in message and chooser.random() < 0.3:
        return {**message, "message_id": f"{message['message_id']}-again-{chooser.randrange(10**6)}"}
    return message


def _text(chooser: random.Random) -> str:
    return " ".join(chooser.sample(WORDS, 3))


def _by_zipf(count: int, seed: int) -> Iterator[int]:
    """Ranks 0 … count - 1 without end, each as often as Zipf's law says."""
    generator = np.random.default_rng(seed)
    weights = np.arange(1, count + 1, dtype=np.float64) ** -ZIPF_EXPONENT
    while True:
        yield from generator.choice(count, 10_000, p=weights / weights.sum()).tolist()
