"""Following the embeddings: an event is a wake-up for its user, whose point is brought to the stored state."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from application.active_recipe import check_recipe
from application.follow import Follow
from application.ports.dead_letters import DeadLetters
from application.ports.event_log import EventLog
from application.ports.message_source import Delivery, Settled, Verdict
from application.ports.product_catalogue import ProductCatalogue
from application.ports.queues import WORK_QUEUES
from application.ports.registry import Registry
from application.ports.system import Clock, Stop
from application.ports.user_embedding_store import UserEmbeddingStore
from application.update import UpdateReport
from domain.errors import TransientError
from domain.interaction import Interaction, LoggedEvent
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding

MOMENT_SECONDS = 1.0
"""How long deliveries wait for the embeddings to apply them, before they are put off."""
LOOK_SECONDS = 0.02
"""After so long is the first look; after twice as long each further one."""
YOUNG = timedelta(seconds=10)
"""What is older has waited for more than a moment already, and would only hold up the others of its batch."""

States = Mapping[str, UserEmbedding]


class FollowEmbeddings:
    """Applies deliveries to the index.

    One is settled once the state that it wakes us for has applied it, and the point is that state's; or when the state
    does not apply it for now, and it comes again in time: with its product, or by a retry of its dead letter. So is one
    that the log does not hold any more (its user was erased, or the log set back to a backup): it never comes.
    """

    def __init__(
        self,
        *,
        follow: Follow[UserEmbedding],
        store: UserEmbeddingStore,
        log: EventLog,
        catalogue: ProductCatalogue,
        dead_letters: DeadLetters,
        registry: Registry,
        recipe: Recipe,
        clock: Clock,
        stop: Stop,
    ) -> None:
        self._follow = follow
        self._store = store
        self._log = log
        self._catalogue = catalogue
        self._dead_letters = dead_letters
        self._registry = registry
        self._recipe = recipe
        self._clock = clock
        self._stop = stop

    def __call__(self, deliveries: Sequence[Delivery]) -> UpdateReport:
        """Bring the points of the users of `deliveries` to their states.

        Raises
        ------
        UnavailableError : the index or the store is out of reach; deliver all of them again.
        LostRaceError : the states never stopped to move; deliver all of them again.
        RecipeMismatchError : another recipe has been made active; this process must end.
        """
        check_recipe(self._registry, self._recipe)
        users = list(dict.fromkeys(delivery.logged.event.user_id for delivery in deliveries))
        states = dict(self._store.read(users))
        late = self._wait(self._awaited(_not_applied(deliveries, states)), states)
        changed = self._follow(users, states)
        return UpdateReport(
            outcomes=[_put_off(one) if one.tag in late else _settled(one) for one in deliveries],
            rebuilt={},
            newly_applied=_newest_of(changed, deliveries, states),
        )

    def _awaited(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Those that may be applied any moment: logged, waiting for no product, and not dead to the embeddings."""
        if not deliveries:
            return ()
        unknown = self._catalogue.unknown({product for one in deliveries if (product := _product_of(one)) is not None})
        message_ids = {one.logged.event.message_id for one in deliveries}
        dead = self._dead_letters.among(message_ids, WORK_QUEUES)
        positions = {message_id: logged.position for message_id, logged in self._log.find(message_ids).items()}
        return [
            one
            for one in deliveries
            if _product_of(one) not in unknown
            and one.logged.event.message_id not in dead
            and one.logged.position == positions.get(one.logged.event.message_id)
        ]

    def _wait(self, awaited: Sequence[Delivery], states: dict[str, UserEmbedding]) -> Collection[int]:
        """Wait a moment for these to be applied, reading `states` anew; the tags of those that still are not."""
        since = self._clock.now() - YOUNG
        young: Sequence[Delivery] = [one for one in awaited if one.logged.recorded_at >= since]
        late = {one.tag for one in awaited} - {one.tag for one in young}
        end, pause = self._clock.monotonic() + MOMENT_SECONDS, LOOK_SECONDS
        while young and (left := end - self._clock.monotonic()) > 0 and not self._stop.wait(min(pause, left)):
            pause *= 2  # each look reads whole states
            states.update(self._store.read({one.logged.event.user_id for one in young}))
            young = _not_applied(young, states)
        return late | {one.tag for one in young}


_TOO_EARLY = TransientError("The embeddings have not applied these yet; the index follows when they have.")
"""Not that something is out of reach, which counts as an attempt where operators want that: nothing has failed."""


def _put_off(delivery: Delivery) -> Settled:
    return Settled(delivery=delivery, verdict=Verdict.NOT_TRIED, error=_TOO_EARLY)


def _settled(delivery: Delivery) -> Settled:
    return Settled(delivery=delivery, verdict=Verdict.APPLIED)


def _not_applied(deliveries: Sequence[Delivery], states: States) -> Sequence[Delivery]:
    return [one for one in deliveries if not _is_applied(one.logged, states)]


def _is_applied(logged: LoggedEvent, states: States) -> bool:
    state = states.get(logged.event.user_id)
    return state is not None and logged.position in state.applied


def _product_of(delivery: Delivery) -> str | None:
    event = delivery.logged.event
    return event.product_id if isinstance(event, Interaction) else None


def _newest_of(changed: Collection[str], deliveries: Sequence[Delivery], states: States) -> Sequence[LoggedEvent]:
    """The last event of each user whose point has changed: an older one may have been delivered and in it before."""
    applied = [one.logged for one in deliveries if _is_applied(one.logged, states)]
    in_order = sorted(applied, key=lambda logged: logged.position)
    newest = {logged.event.user_id: logged for logged in in_order}
    return [logged for user_id, logged in newest.items() if user_id in changed]
