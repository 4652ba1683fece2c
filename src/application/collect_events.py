"""Collects events into columns, whatever order they come in."""

from collections.abc import Iterable, Iterator

import numpy as np
from attrs import define, field

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
    _rows: dict[str, int] = field(factory=dict)
    """The row of each interaction by its message id."""
    _columns: list[tuple[int, int, int, int, int]] = field(factory=list)
    """User, product or -1 - phrase, type, time and order of recording of each interaction."""
    _retractions: list[Retraction] = field(factory=list)
    _examples: dict[int, Interaction] = field(factory=dict)

    def __len__(self) -> int:
        """How many interactions there are."""
        return len(self._columns)

    def add(self, event: Event, order: int) -> None:
        """Take one. `order` says which of a user's events of the same time was recorded first."""
        if isinstance(event, Retraction):
            self._retractions.append(event)
            return
        row = len(self._columns)
        if self._rows.setdefault(event.message_id, row) != row:
            return
        subject = self._subject(event)
        self._examples.setdefault(subject, event)
        user = self._users.setdefault(event.user_id, len(self._users))
        time_us = to_microseconds(event.occurred_at)
        self._columns.append((user, subject, _TYPE_NUMBER[event.event_type], time_us, order))

    def examples(self) -> Iterable[Interaction]:
        """One interaction with each product and one with each phrase."""
        return self._examples.values()

    def columns(self) -> EventColumns:
        """All that were taken. Names are sorted, so that the order in which they came does not show."""
        table = np.array(self._columns, dtype=np.int64).reshape(-1, 5)
        user_ids, users = _sorted(self._users)
        product_ids, products = _sorted(self._products)
        phrases, places = _sorted(self._phrases)
        numbers = table[:, 1]
        # Appended from behind: -1 is the first phrase, at the end of the joined array of the reversed places.
        subjects = np.concatenate((products, len(products) + places[::-1]))[numbers]
        order = np.lexsort((subjects, table[:, 4], users[table[:, 0]], table[:, 3]))
        return EventColumns(
            user_ids=user_ids,
            product_ids=product_ids,
            phrases=phrases,
            users=users[table[:, 0]][order],
            subjects=subjects[order],
            types=table[order, 2],
            times_us=table[order, 3],
            retracted_us=self._retracted_us()[order],
        )

    def _subject(self, event: Interaction) -> int:
        if event.search_phrase is not None:
            return -1 - self._phrases.setdefault(normalize_phrase(event.search_phrase), len(self._phrases))
        return self._products.setdefault(event.product_id or "", len(self._products))

    def _retracted_us(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        times = np.full(len(self._columns), NEVER_RETRACTED_US)
        for row, time_us in self._taken_back():
            times[row] = min(times[row], time_us)
        return times

    def _taken_back(self) -> Iterator[tuple[int, int]]:
        for retraction in self._retractions:
            row = self._rows.get(retraction.retracts)
            if row is not None and self._columns[row][0] == self._users.get(retraction.user_id):
                yield row, to_microseconds(retraction.occurred_at)


def _sorted(numbers: dict[str, int]) -> tuple[tuple[str, ...], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The names in their order, and the place of each by the number that it was given."""
    names = sorted(numbers)
    places = np.empty(len(names), dtype=np.int64)
    places[[numbers[name] for name in names]] = np.arange(len(names))
    return tuple(names), places
