"""Catching up: finds what was recorded long ago and is not applied, and sends it on its way again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from application.brake import DEEPEST, Brake
from application.phrases import EmbedPhrases
from application.ports.dead_letters import DeadLetters
from application.ports.event_log import EventLog
from application.ports.outbox import Outbox
from application.ports.product_catalogue import ProductCatalogue
from application.ports.queues import WORK_QUEUE, WORK_QUEUES
from application.ports.system import Clock, Metrics
from application.ports.user_embedding_store import UserEmbeddingStore
from application.rebuild import RebuildUsers, pages_of_heads
from domain.interaction import Interaction, LoggedEvent
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding

DEFAULT_AGE = timedelta(minutes=10)
"""What is younger may simply be on its way."""

LOOK_SECONDS = 1.0
"""How often a deep outbox is looked at again."""


@frozen(kw_only=True)
class CatchUpReport:
    """How many users were behind, how many of their events went into the outbox again, and how many were rebuilt.

    `rebuilt` are those whose state was of another recipe or could not be read. `points` counts those of an index that
    were not what they follow.
    """

    users: int = 0
    events: int = 0
    rebuilt: int = 0
    points: int = 0

    def __bool__(self) -> bool:
        """Whether anything was to do."""
        return bool(self.events or self.rebuilt or self.points)

    def __add__(self, other: "CatchUpReport") -> "CatchUpReport":
        return CatchUpReport(
            users=self.users + other.users,
            events=self.events + other.events,
            rebuilt=self.rebuilt + other.rebuilt,
            points=self.points + other.points,
        )


class CatchUp:
    """Heals what was lost behind our back: a purged queue, a store set back to a backup, a lost document.

    It waits while the outbox holds more than about `deepest` rows.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        outbox: Outbox,
        store: UserEmbeddingStore,
        catalogue: ProductCatalogue,
        dead_letters: DeadLetters,
        phrases: EmbedPhrases,
        rebuild: RebuildUsers,
        recipe: Recipe,
        clock: Clock,
        metrics: Metrics,
        deepest: int = DEEPEST,
    ) -> None:
        self._log = log
        self._outbox = outbox
        self._store = store
        self._catalogue = catalogue
        self._dead_letters = dead_letters
        self._phrases = phrases
        self._rebuild = rebuild
        self._recipe = recipe
        self._clock = clock
        self._metrics = metrics
        self._deepest = deepest

    def __call__(
        self,
        older_than: timedelta = DEFAULT_AGE,
        on_users: Callable[[int], None] | None = None,
        when_deep: Callable[[int], None] | None = None,
    ) -> CatchUpReport:
        """Put every event into the outbox that is older than that, not applied, and waits for nothing.

        While the outbox is too deep, `when_deep` is called with its depth, again and again: it waits, or drains it.
        Without it nobody waits.
        """
        before = self._clock.now() - older_than
        total = CatchUpReport()
        brake = Brake(self._outbox, self._deepest)
        for heads in pages_of_heads(self._log):
            while when_deep is not None and brake.is_on:
                when_deep(brake.depth)
            report = self._heal(heads, before)
            brake.added(report.events)
            total += report
            if on_users is not None:
                on_users(len(heads))
        return total

    def pieces(self) -> Iterator[CatchUpReport | None]:
        """The same for what is older than DEFAULT_AGE, some users at a time; between them nothing is held open.

        None while the outbox is too deep to go on.
        """
        before = self._clock.now() - DEFAULT_AGE
        brake = Brake(self._outbox, self._deepest)
        for heads in pages_of_heads(self._log):
            while brake.is_on:
                yield from self._pause()
            report = self._heal(heads, before)
            brake.added(report.events)
            yield report

    def _pause(self) -> Iterator[None]:
        end = self._clock.monotonic() + LOOK_SECONDS
        while self._clock.monotonic() < end:
            yield None

    def _heal(self, heads: Sequence[tuple[str, int]], before: datetime) -> CatchUpReport:
        """Heal these users, given with the highest position of each."""
        states = self._store.read([user_id for user_id, _ in heads])
        other = {user_id for user_id, state in states.items() if not state.is_of(self._recipe)}
        self._rebuild(sorted(other))
        candidates = [
            user_id for user_id, head in heads if user_id not in other and _is_behind(states.get(user_id), head)
        ]
        behind: set[str] = set()
        events = 0
        for page in self._log.history(candidates) if candidates else ():
            lost = self._lost([logged for logged in page if logged.recorded_at <= before], states)
            if lost:
                self._outbox.add(lost)
            events += len(lost)
            behind.update(logged.event.user_id for logged in lost)
        self._metrics.count("penchant_caught_up_events_total", events, queue=WORK_QUEUE)
        return CatchUpReport(users=len(behind), events=events, rebuilt=len(other))

    def _lost(self, old: Sequence[LoggedEvent], states: Mapping[str, UserEmbedding]) -> Sequence[LoggedEvent]:
        """Which of these events are not applied, wait for nothing that is out of reach, and are not dead."""
        candidates = [
            logged
            for logged in old
            if not _is_applied(states.get(logged.event.user_id), logged) and not self._waits_for_embedder(logged)
        ]
        unknown = self._catalogue.unknown({p for logged in candidates if (p := _awaited_product(logged)) is not None})
        dead = self._dead_letters.among({logged.event.message_id for logged in candidates}, WORK_QUEUES)
        return [
            logged
            for logged in candidates
            if logged.event.message_id not in dead and _awaited_product(logged) not in unknown
        ]

    def _waits_for_embedder(self, logged: LoggedEvent) -> bool:
        # Searches go round in the retries while the embedder is away; to add a copy at each sweep would multiply them.
        return self._phrases.is_away and isinstance(logged.event, Interaction) and bool(logged.event.search_phrase)


def _is_behind(state: UserEmbedding | None, head: int) -> bool:
    return state is None or len(state.applied) < head


def _is_applied(state: UserEmbedding | None, logged: LoggedEvent) -> bool:
    return state is not None and logged.position in state.applied


def _awaited_product(logged: LoggedEvent) -> str | None:
    """The product without which the event has no effect; a retracted event needs none."""
    if logged.retracted_by is not None or not isinstance(logged.event, Interaction):
        return None
    return logged.event.product_id
