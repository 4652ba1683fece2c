"""Collects events into columns, whatever order they come in."""

from array import array
from collections.abc import Iterable
from functools import partial
from hashlib import blake2b

import numpy as np
from attrs import define, field

from domain.decayed_sums import Integers
from domain.event_columns import NEVER_RETRACTED_US, TYPES, EventColumns
from domain.instant import to_microseconds
from domain.interaction import Event, Interaction, Retraction
from domain.phrase import normalize_phrase

_TYPE_NUMBER = {event_type: number for number, event_type in enumerate(TYPES)}


@define
class CollectEvents:
    """Takes events one by one and gives them as columns: numbers where there were objects, so that a log fits.

    Of several events with the same message id the first counts. A retraction may come before its event; one that names
    no event of the same user does nothing.
    """

    _users: dict[str, int] = field(factory=dict)
    _products: dict[str, int] = field(factory=dict)
    _phrases: dict[str, int] = field(factory=dict)
    _rows: "array[int]" = field(factory=partial(array, "q"))
    """Message id, user, product or -1 - phrase, type, time and order of recording of each interaction."""
    _retractions: "array[int]" = field(factory=partial(array, "q"))
    """Message id that is taken back, user and time of each."""
    _examples: dict[int, Interaction] = field(factory=dict)

    def add(self, event: Event, order: int) -> None:
        """Take one. `order` says which of a user's events of the same time was recorded first."""
        user = self._users.setdefault(event.user_id, len(self._users))
        time_us = to_microseconds(event.occurred_at)
        if isinstance(event, Retraction):
            self._retractions.extend((_number(event.retracts), user, time_us))
            return
        subject = self._subject(event)
        self._examples.setdefault(subject, event)
        event_type = _TYPE_NUMBER[event.event_type]
        self._rows.extend((_number(event.message_id), user, subject, event_type, time_us, order))

    def examples(self) -> Iterable[Interaction]:
        """One interaction at least with each product and with each phrase."""
        return self._examples.values()

    def columns(self) -> EventColumns:
        """All that were taken. Names are sorted, so that the order in which they came does not show."""
        rows = np.asarray(self._rows).reshape(-1, 6)
        ids, first = np.unique(rows[:, 0], return_index=True)
        users, subjects, types, times_us, orders = rows[first, 1:].T
        retracted_us = self._retracted_us(ids, users)
        user_ids, user_places = _sorted(self._users, users)
        product_ids, product_places = _sorted(self._products, subjects[subjects >= 0])
        phrases, phrase_places = _sorted(self._phrases, -1 - subjects[subjects < 0])
        users = user_places[users]
        # Appended from behind: -1 is the first phrase, at the end of the joined array of the reversed places.
        subjects = np.concatenate((product_places, len(product_ids) + phrase_places[::-1]))[subjects]
        order = np.lexsort((subjects, orders, users, times_us))
        return EventColumns(
            user_ids=user_ids,
            product_ids=product_ids,
            phrases=phrases,
            users=users[order],
            subjects=subjects[order],
            types=types[order],
            times_us=times_us[order],
            retracted_us=retracted_us[order],
        )

    def _subject(self, event: Interaction) -> int:
        if event.search_phrase is not None:
            return -1 - self._phrases.setdefault(normalize_phrase(event.search_phrase), len(self._phrases))
        return self._products.setdefault(event.product_id or "", len(self._products))

    def _retracted_us(self, ids: Integers, users: Integers) -> Integers:
        """When each of the interactions with these ids (ascending), of these users, was taken back first."""
        retractions = np.asarray(self._retractions).reshape(-1, 3)
        targets, by_users, times_us = retractions[np.isin(retractions[:, 0], ids)].T
        rows = np.searchsorted(ids, targets)
        own = users[rows] == by_users
        retracted_us = np.full(len(ids), NEVER_RETRACTED_US)
        np.minimum.at(retracted_us, rows[own], times_us[own])
        return retracted_us


def _number(message_id: str) -> int:
    """A number in place of the id, of which millions are held: of ten million two are the same once in 370,000 runs."""
    return int.from_bytes(blake2b(message_id.encode(), digest_size=8).digest(), "little", signed=True)


def _sorted(numbers: dict[str, int], used: Integers) -> tuple[tuple[str, ...], Integers]:
    """The names of the numbers that are used, in their order, and the place of each by its number."""
    names = list(numbers)
    present = sorted(np.unique(used).tolist(), key=names.__getitem__)
    places = np.zeros(len(names), dtype=np.int64)
    places[present] = np.arange(len(present))
    return tuple(names[number] for number in present), places
