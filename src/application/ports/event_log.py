"""The event log: what is accepted, for good. Everything else can be rebuilt from it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from attrs import frozen

from domain.interaction import Event, EventType, LoggedEvent


@frozen(kw_only=True)
class LogFilter:
    """Which events of the log are meant: those that match everything that is given. Without anything: all."""

    user_id: str | None = None
    product_id: str | None = None
    occurred_from: datetime | None = None
    """At this moment or later."""
    occurred_before: datetime | None = None


@frozen(kw_only=True)
class DailyCount:
    """How many live interactions of a type a product had on a day, in UTC."""

    product_id: str
    event_type: EventType
    day: date
    events: int


class LogTransaction(Protocol):
    """One transaction on the log and the outbox beside it. What it reads stays true until it ends."""

    def find(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        """The logged events with these message ids; ids that are not in the log are left out."""

    def retractions_of(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        """The retraction of each of these events, by the message id of the event it retracts."""

    def append(
        self, events: Sequence[Event], recorded_at: datetime, traces: Sequence[str | None] = ()
    ) -> Sequence[LoggedEvent]:
        """Give each event the next position of its user and add it to the log and to the outbox, in this order.

        The row in the outbox keeps what each belongs to, where `traces` says it for all of them.

        Raises LostRaceError if a message id or a retracted event turns out to be taken by a concurrent transaction.
        """


class EventLog(Protocol):
    """All events, each numbered by its position among the events of its user: 1, 2, 3, … without gaps.

    All calls raise TransientError when the log cannot be reached, StorageFullError when there is no room.
    """

    def transaction(self) -> AbstractContextManager[LogTransaction]:
        """All or nothing: committed when the block ends, nothing written when it raises.

        Raises LostRaceError, at any point, if a concurrent transaction was first: repeat the whole block.
        """

    def find(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        """The logged events with these message ids; ids that are not in the log are left out."""

    def history(self, user_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        """All events of these users as of one moment, in pages, each user's in order of position.

        The events of one user follow each other. `retracted_by` is set where a retraction is in the log. Memory is
        bounded by the page, not by the history.
        """

    def heads(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        """The next `limit` users after `after` in the log's own order of ids, each with its highest position."""

    def heads_of(self, user_ids: Collection[str]) -> Mapping[str, int]:
        """The highest position of each of these users; users without events are left out."""

    def last_events(self, up_to: Mapping[str, int], limit: int) -> Iterator[Sequence[LoggedEvent]]:
        """The last `limit` events of each of these users up to and with the given position, in pages, in no order.

        `limit` counts positions, so that a position beyond the head of its user gives fewer. `retracted_by` is set
        where a retraction is in the log, at whatever position.
        """

    def last_purchases(self, user_id: str) -> Sequence[str]:
        """The products that a user has bought and not taken back, each once, the one bought last first.

        Of those bought at one moment the last recorded comes first.
        """

    def of_products(self, product_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        """All interactions with these products, in pages, in no particular order."""

    def users_of_products(self, product_ids: Collection[str]) -> Collection[str]:
        """The users who have an interaction with any of these products."""

    def matching(self, events: LogFilter) -> Iterator[Sequence[LoggedEvent]]:
        """All events that match, in pages, in no particular order. Uses an index for whatever is given."""

    def count_matching(self, events: LogFilter) -> int:
        """How many events match."""

    def phrases(self) -> Iterator[Collection[str]]:
        """The search phrases of all interactions as they were sent, in pages; one may come more than once."""

    def product_counts(self) -> Mapping[str, int]:
        """How many interactions that are not retracted each product has."""

    def daily_counts(self, since: datetime) -> Sequence[DailyCount]:
        """The interactions since then that are not retracted, counted by product, type and day, in no order."""

    def count(self) -> int:
        """How many events are in the log."""

    def user_count(self) -> int:
        """How many users have an event in the log."""
