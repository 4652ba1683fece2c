"""The relay: moves events from the outbox to a broker. It may publish twice, never zero times."""

from application.ports.outbox import Outbox
from application.ports.publisher import Publisher
from application.ports.system import Clock


class RelayOutbox:
    """Publishes what is in the outbox, and deletes it there once the broker has it."""

    def __init__(self, outbox: Outbox, publisher: Publisher, clock: Clock) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._clock = clock

    def __call__(self, limit: int) -> int:
        """Move up to `limit` rows; return how many. Raises TransientError, and leaves the rows, if the broker fails."""
        deliveries = self._outbox.due(self._clock.now(), limit)
        if deliveries:
            self._publisher.publish([delivery.logged for delivery in deliveries])
            self._outbox.delete([delivery.tag for delivery in deliveries])
        return len(deliveries)
