"""Event log and outbox in memory, with optimistic transactions over both."""

from collections import ChainMap, Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import repeat
from threading import RLock

from attrs import evolve

from application.ports.event_log import DailyCount, LogFilter
from application.ports.message_source import Delivery
from domain.errors import LostRaceError
from domain.interaction import Event, EventType, Interaction, LoggedEvent, Retraction

PAGE = 1_000


class MemoryDatabase:
    """What a log and its outbox share: the rows, and one lock."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.version = 0
        self.by_message: dict[str, LoggedEvent] = {}
        self.by_user: dict[str, list[LoggedEvent]] = {}
        self.retractions: dict[str, LoggedEvent] = {}
        self.outbox: dict[int, Delivery] = {}
        self.due_at: dict[int, datetime] = {}
        self.held: set[int] = set()
        """Outbox rows that somebody is handing over."""
        self.last_outbox_id = 0

    def enqueue(self, events: Collection[LoggedEvent]) -> None:
        """Add an outbox row for each of these."""
        for logged in events:
            self.last_outbox_id += 1
            self.outbox[self.last_outbox_id] = Delivery(tag=self.last_outbox_id, logged=logged)


class MemoryLogTransaction:
    """Reads the database as it was when the transaction began, or raises LostRaceError; writes when it commits."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._version = database.version
        self._appended: list[LoggedEvent] = []
        self._by_message: ChainMap[str, LoggedEvent] = ChainMap({}, database.by_message)
        self._retractions: ChainMap[str, LoggedEvent] = ChainMap({}, database.retractions)

    def find(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        with self._unchanged():
            return {m: self._by_message[m] for m in message_ids if m in self._by_message}

    def retractions_of(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        with self._unchanged():
            return {m: self._retractions[m] for m in message_ids if m in self._retractions}

    def append(
        self, events: Sequence[Event], recorded_at: datetime, traces: Sequence[str | None] = ()
    ) -> Sequence[LoggedEvent]:
        with self._unchanged() as database:
            added = Counter(logged.event.user_id for logged in self._appended)
            logged_events = []
            for event, trace in zip(events, traces if traces else repeat(None), strict=False):
                added[event.user_id] += 1
                position = len(database.by_user.get(event.user_id, ())) + added[event.user_id]
                logged_events.append(LoggedEvent(event=event, position=position, recorded_at=recorded_at, trace=trace))
                self._take_keys(logged_events[-1])
            self._appended += logged_events
            return logged_events

    def commit(self) -> None:
        """Write what was appended, if nobody else has written since the transaction began."""
        with self._unchanged() as database:
            database.retractions.update(self._retractions.maps[0])
            for logged in (evolve(appended, trace=None) for appended in self._appended):
                database.by_message[logged.event.message_id] = logged
                database.by_user.setdefault(logged.event.user_id, []).append(logged)
            database.enqueue(self._appended)
            database.version += bool(self._appended)

    def _take_keys(self, logged: LoggedEvent) -> None:
        event = logged.event
        if event.message_id in self._by_message:
            raise LostRaceError("The message id is taken; repeat this transaction.")
        self._by_message[event.message_id] = logged
        if isinstance(event, Retraction):
            if event.retracts in self._retractions:
                raise LostRaceError("The event is retracted already; repeat this transaction.")
            self._retractions[event.retracts] = logged

    @contextmanager
    def _unchanged(self) -> Iterator[MemoryDatabase]:
        with self._database.lock:
            if self._database.version != self._version:
                raise LostRaceError("Another transaction has written to the log; repeat this one.")
            yield self._database


class MemoryEventLog:
    """The event log in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[MemoryLogTransaction]:
        transaction = MemoryLogTransaction(self._database)
        yield transaction
        transaction.commit()

    def find(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        by_message = self._database.by_message
        return {message_id: by_message[message_id] for message_id in message_ids if message_id in by_message}

    def history(self, user_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        with self._database.lock:
            events = [
                self._with_retraction(logged)
                for user_id in sorted(set(user_ids))
                for logged in self._database.by_user.get(user_id, ())
            ]
        return _pages(events)

    def heads(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        users = sorted(user_id for user_id in self._database.by_user if after is None or user_id > after)
        return [(user_id, len(self._database.by_user[user_id])) for user_id in users[:limit]]

    def heads_of(self, user_ids: Collection[str]) -> Mapping[str, int]:
        by_user = self._database.by_user
        return {user_id: len(by_user[user_id]) for user_id in user_ids if user_id in by_user}

    def last_events(self, up_to: Mapping[str, int], limit: int) -> Iterator[Sequence[LoggedEvent]]:
        with self._database.lock:
            events = [
                self._with_retraction(logged)
                for user_id, last in up_to.items()
                for logged in self._database.by_user.get(user_id, ())[max(last - limit, 0) : last]
            ]
        return _pages(events)

    def last_purchases(self, user_id: str) -> Sequence[str]:
        with self._database.lock:
            events = [logged.event for logged in reversed(self._database.by_user.get(user_id, ()))]
            bought = [event for event in events if isinstance(event, Interaction) and self._is_purchase(event)]
        bought.sort(key=lambda event: event.occurred_at, reverse=True)
        return list(dict.fromkeys(event.product_id for event in bought if event.product_id is not None))

    def _is_purchase(self, event: Interaction) -> bool:
        return event.event_type is EventType.PURCHASE and event.message_id not in self._database.retractions

    def of_products(self, product_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        return _pages([logged for logged in self._interactions() if _product(logged) in set(product_ids)])

    def users_of_products(self, product_ids: Collection[str]) -> Collection[str]:
        wanted = set(product_ids)
        return {logged.event.user_id for logged in self._interactions() if _product(logged) in wanted}

    def matching(self, events: LogFilter) -> Iterator[Sequence[LoggedEvent]]:
        return _pages(self._matching(events))

    def count_matching(self, events: LogFilter) -> int:
        return len(self._matching(events))

    def phrases(self) -> Iterator[Collection[str]]:
        for page in _pages(self._interactions()):
            yield {phrase for logged in page if (phrase := _phrase(logged)) is not None}

    def product_counts(self) -> Mapping[str, int]:
        live = (logged for logged in self._interactions() if logged.event.message_id not in self._database.retractions)
        return Counter(product_id for logged in live if (product_id := _product(logged)) is not None)

    def daily_counts(self, since: datetime) -> Sequence[DailyCount]:
        live = (logged for logged in self._interactions() if logged.event.message_id not in self._database.retractions)
        counts = Counter(
            (event.product_id, event.event_type, event.occurred_at.astimezone(UTC).date())
            for event in (logged.event for logged in live)
            if isinstance(event, Interaction) and event.product_id is not None and event.occurred_at >= since
        )
        return [
            DailyCount(product_id=product_id, event_type=event_type, day=day, events=events)
            for (product_id, event_type, day), events in counts.items()
        ]

    def count(self) -> int:
        return len(self._database.by_message)

    def user_count(self) -> int:
        return len(self._database.by_user)

    def _matching(self, events: LogFilter) -> list[LoggedEvent]:
        with self._database.lock:
            return [logged for logged in self._database.by_message.values() if _matches(logged, events)]

    def _interactions(self) -> list[LoggedEvent]:
        with self._database.lock:
            return [e for e in self._database.by_message.values() if isinstance(e.event, Interaction)]

    def _with_retraction(self, logged: LoggedEvent) -> LoggedEvent:
        retraction = self._database.retractions.get(logged.event.message_id)
        return logged if retraction is None else evolve(logged, retracted_by=retraction.position)


class MemoryOutbox:
    """The outbox in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def add(self, events: Collection[LoggedEvent]) -> None:
        with self._database.lock:
            self._database.enqueue(events)

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        with self._database.lock:
            due_at = self._database.due_at
            rows = (row for row in self._database.outbox.values() if row.tag not in due_at or due_at[row.tag] <= now)
            return [row for row, _ in zip(rows, range(limit), strict=False)]

    @contextmanager
    def handing_over(self, now: datetime, limit: int) -> Iterator[Sequence[Delivery]]:
        with self._database.lock:
            held = self._database.held
            deliveries = [row for row in self.due(now, limit + len(held)) if row.tag not in held][:limit]
            tags = {delivery.tag for delivery in deliveries}
            held |= tags
        try:
            yield deliveries
            self.delete(tags)
        finally:
            held -= tags

    def delete(self, row_ids: Collection[int]) -> None:
        with self._database.lock:
            for row_id in row_ids:
                self._database.outbox.pop(row_id, None)
                self._database.due_at.pop(row_id, None)

    def postpone(self, row_ids: Collection[int], until: datetime, now: datetime, counted: bool = True) -> None:
        with self._database.lock:
            for row_id in row_ids:
                row = self._database.outbox.get(row_id)
                if row is None:
                    continue
                self._database.due_at[row_id] = until
                if counted:
                    first = row.first_failed_at if row.first_failed_at is not None else now
                    self._database.outbox[row_id] = evolve(row, attempts=row.attempts + 1, first_failed_at=first)

    def depth(self) -> int:
        return len(self._database.outbox)


def _pages(events: list[LoggedEvent]) -> Iterator[Sequence[LoggedEvent]]:
    return (events[start : start + PAGE] for start in range(0, len(events), PAGE))


def _product(logged: LoggedEvent) -> str | None:
    return logged.event.product_id if isinstance(logged.event, Interaction) else None


def _phrase(logged: LoggedEvent) -> str | None:
    return logged.event.search_phrase if isinstance(logged.event, Interaction) else None


def _matches(logged: LoggedEvent, events: LogFilter) -> bool:
    event = logged.event
    return (
        events.user_id in (None, event.user_id)
        and events.product_id in (None, _product(logged))
        and (events.occurred_from is None or event.occurred_at >= events.occurred_from)
        and (events.occurred_before is None or event.occurred_at < events.occurred_before)
    )
