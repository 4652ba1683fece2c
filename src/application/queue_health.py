"""How each queue of the broker is: what waits there, who listens, and how far its consumer is behind."""

from collections.abc import Collection, Mapping

from attrs import frozen

from application.ports.dead_letters import DeadLetters
from application.ports.outbox import Outbox
from application.ports.queues import Queues
from domain.errors import UnavailableError


@frozen(kw_only=True)
class QueueHealth:
    """A queue.

    Parameters
    ----------
    consumers : None where the broker does not know.
    lag : events that are recorded and that its consumer has not applied, without those in its hands; None where the log
        is out of reach, or the queue is no consumer's.
    dead_letters : events given up there that nobody has retried or purged; None where the log is out of reach.
    """

    messages: int
    consumers: int | None
    lag: int | None
    dead_letters: int | None


class LookAtQueues:
    """Asks the broker, and what is kept beside the log.

    Parameters
    ----------
    of_consumers : the queues that a consumer takes from.
    """

    def __init__(
        self, queues: Queues, outbox: Outbox, dead_letters: DeadLetters, of_consumers: Collection[str]
    ) -> None:
        self._queues = queues
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._of_consumers = of_consumers

    def __call__(self) -> Mapping[str, QueueHealth] | None:
        """Each queue that is there, by its name; None where no broker is configured. Raises as `Queues.states` does."""
        states = self._queues.states()
        if states is None:
            return None
        waiting = {
            queue: sum(state.messages for name, state in states.items() if name.startswith(queue))
            for queue in self._of_consumers
        }
        on_the_way, dead = self._beside_the_log()
        return {
            name: QueueHealth(
                messages=state.messages,
                consumers=state.consumers,
                lag=waiting[name] + on_the_way if name in waiting and on_the_way is not None else None,
                dead_letters=dead.get(name, 0) if dead is not None else None,
            )
            for name, state in states.items()
        }

    def _beside_the_log(self) -> tuple[int | None, Mapping[str, int] | None]:
        """The events in the outbox, and the dead letters by queue; None for both while they are out of reach."""
        try:
            return self._outbox.depth(), self._dead_letters.counts()
        except UnavailableError:
            return None, None
