"""The flow: what is on its way from recorded to applied, and who moves it; cheap enough to be asked all the time."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from enum import StrEnum
from typing import Any

from attrs import frozen

from application.beside import PATIENCE_SECONDS, AskTogether
from application.ports.dead_letters import DeadLetters
from application.ports.outbox import Outbox
from application.ports.queues import WORK_QUEUE, Queues, QueueState
from application.ports.system import Clock
from application.ports.user_embedding_store import UserEmbeddingStore
from domain.errors import PenchantError


class Part(StrEnum):
    """What the flow goes through."""

    LOG = "log"
    """With the outbox and the dead letters beside it."""
    BROKER = "broker"
    STORE = "store"
    """Of the user embeddings."""


@frozen(kw_only=True)
class OutboxState:
    """What waits beside the log. `oldest_seconds`: since the first event that is due was recorded; 0 without one."""

    events: int
    oldest_seconds: float
    dead_letters: int


@frozen(kw_only=True)
class Flow:
    """What is on its way, as of about now. What a part knows that is out of reach is None."""

    up: Mapping[Part, bool]
    """Whether each part can do its work. A broker without its queues cannot; one that is not configured is left out."""
    outbox: OutboxState | None
    queues: Mapping[str, QueueState] | None
    """Of the broker, by name; none without a broker."""

    @property
    def lag(self) -> int | None:
        """That of the embeddings."""
        return self.lag_of(WORK_QUEUE)

    @property
    def workers(self) -> int | None:
        """Those of the embeddings."""
        return self.workers_of(WORK_QUEUE)

    def lag_of(self, queue: str) -> int | None:
        """Events that are recorded and that the consumer of `queue` has not applied, without those in its hands.

        What the queue of another consumer than that of the embeddings has dropped is not seen here.
        """
        if self.outbox is None or self.queues is None:
            return None
        waiting = sum(state.messages for name, state in self.queues.items() if name.startswith(queue))
        return self.outbox.events + waiting

    def workers_of(self, queue: str) -> int | None:
        """Consumers of `queue`; None where there is none to be seen."""
        state = self.queues.get(queue) if self.queues is not None else None
        return state.consumers if state is not None else None


class LookAtFlow:
    """Asks every part at the same time, and waits for none longer than `patience_seconds`.

    A part that hangs is asked again only when it has answered. To be used by one thread at a time.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        dead_letters: DeadLetters,
        queues: Queues,
        store: UserEmbeddingStore,
        clock: Clock,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._clock = clock
        questions: Mapping[Part, Callable[[], Any]] = {
            Part.LOG: self._outbox_state,
            Part.BROKER: queues.states,
            Part.STORE: lambda: store.user_ids(None, 1),
        }
        self._ask = AskTogether(questions, patience_seconds)

    def __call__(self) -> Flow:
        """The flow now. A part that is out of reach is no error."""
        answers = {part: answer.result() for part, answer in self._ask().items() if not _is_away(answer)}
        up = {part: part in answers for part in Part}
        if Part.BROKER in answers and answers[Part.BROKER] is None:
            del up[Part.BROKER]
            answers[Part.BROKER] = {}
        return Flow(up=up, outbox=answers.get(Part.LOG), queues=answers.get(Part.BROKER))

    def _outbox_state(self) -> OutboxState:
        now = self._clock.now()
        due = self._outbox.due(now, 1)
        return OutboxState(
            events=self._outbox.depth(),
            oldest_seconds=max((now - due[0].logged.recorded_at).total_seconds(), 0.0) if due else 0.0,
            dead_letters=self._dead_letters.count(),
        )


def _is_away(answer: "Future[Any]") -> bool:
    return isinstance(answer.exception(), PenchantError)
