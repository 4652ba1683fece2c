"""The relay: moves events from the outbox to a broker. It may publish twice, never zero times."""

from application.outage import Outage
from application.ports.outbox import Outbox
from application.ports.publisher import Publisher
from application.ports.system import Clock, Journal, Metrics, Stop
from application.ports.tracer import NO_TRACER, Tracer
from domain.errors import TransientError

POLL_SECONDS = 0.02
"""How long an idle relay waits before it looks again: what an event waits for it at the most, without load."""


class RelayOutbox:
    """Publishes what is in the outbox, and deletes it there once the broker has it. Several may run at once."""

    def __init__(
        self, outbox: Outbox, publisher: Publisher, clock: Clock, metrics: Metrics, tracer: Tracer = NO_TRACER
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics
        self._tracer = tracer

    def __call__(self, limit: int) -> int:
        """Move up to `limit` rows; return how many. Raises TransientError, and leaves the rows, if the broker fails."""
        with self._outbox.handing_over(self._clock.now(), limit) as deliveries:
            if deliveries:
                with self._tracer.span("relay", (d.logged.trace for d in deliveries), events=len(deliveries)):
                    self._publisher.publish([delivery.logged for delivery in deliveries])
        self._metrics.count("penchant_relayed_events_total", len(deliveries))
        return len(deliveries)


class RunRelay:
    """Relays until it is asked to stop; pauses while the broker or the log is out of reach."""

    def __init__(self, relay: RelayOutbox, stop: Stop, clock: Clock, metrics: Metrics, journal: Journal) -> None:
        self._relay = relay
        self._stop = stop
        self._outage = Outage("relay", "The relay", "the outbox keeps everything", stop, clock, metrics, journal)

    def __call__(self, limit: int) -> int:
        """Move up to `limit` rows at a time until the end; return how many were moved."""
        moved = 0
        while not self._stop.asked:
            try:
                some = self._relay(limit)
            except TransientError as error:
                self._outage.wait_out(error)
                continue
            self._outage.is_over()
            moved += some
            if some == 0:
                self._stop.wait(POLL_SECONDS)
        return moved
