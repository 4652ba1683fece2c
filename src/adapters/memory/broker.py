"""A broker in memory: what a publisher gives it, a message source hands out until it is settled."""

from collections import deque
from collections.abc import Sequence
from threading import Lock

from application.ports.message_source import Capability, Delivery, Settled, Verdict
from domain.interaction import LoggedEvent


class MemoryBroker:
    """Publisher and message source in one. What comes later comes at once; what is dead is in `dead`."""

    capabilities = frozenset({Capability.CONFIRMED, Capability.ROUTED})

    def __init__(self) -> None:
        self._lock = Lock()
        self._last_tag = 0
        self._ready: deque[Delivery] = deque()
        self._handed_out: dict[int, Delivery] = {}
        self.dead: list[Settled] = []

    def publish(self, events: Sequence[LoggedEvent]) -> None:
        with self._lock:
            for logged in events:
                self._enqueue(logged, attempts=0)

    def receive(self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0) -> Sequence[Delivery]:
        del wait_seconds, linger_seconds  # whatever comes is there already
        with self._lock:
            deliveries = [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
            self._handed_out.update((delivery.tag, delivery) for delivery in deliveries)
            return deliveries

    def settle(self, outcomes: Sequence[Settled]) -> None:
        with self._lock:
            for outcome in outcomes:
                if self._handed_out.pop(outcome.delivery.tag, None) is None:
                    continue
                if outcome.verdict in (Verdict.LATER, Verdict.NOT_TRIED) and isinstance(outcome.delivery, Delivery):
                    failed = outcome.verdict is Verdict.LATER
                    self._enqueue(outcome.delivery.logged, attempts=outcome.delivery.attempts + failed)
                elif outcome.verdict is Verdict.DEAD:
                    self.dead.append(outcome)

    def close(self) -> None:
        self.redeliver()

    def redeliver(self) -> None:
        """Hand out again whatever was handed out and not settled, as a broker does when a consumer is gone."""
        with self._lock:
            self._ready.extendleft(reversed(self._handed_out.values()))
            self._handed_out.clear()

    def _enqueue(self, logged: LoggedEvent, attempts: int) -> None:
        self._last_tag += 1
        self._ready.append(Delivery(logged=logged, tag=self._last_tag, attempts=attempts))
