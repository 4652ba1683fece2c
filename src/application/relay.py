"""The relay: moves events from the outbox to a broker. It may publish twice, never zero times."""

from application.circuit import Circuit
from application.ports.outbox import Outbox
from application.ports.publisher import Publisher
from application.ports.system import Clock, Journal, Metrics, Stop
from domain.errors import TransientError, UnavailableError

POLL_SECONDS = 0.02
"""How long an idle relay waits before it looks again: what an event waits for it at the most, without load."""


class RelayOutbox:
    """Publishes what is in the outbox, and deletes it there once the broker has it. Several may run at once."""

    def __init__(self, outbox: Outbox, publisher: Publisher, clock: Clock, metrics: Metrics) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics

    def __call__(self, limit: int) -> int:
        """Move up to `limit` rows; return how many. Raises TransientError, and leaves the rows, if the broker fails."""
        with self._outbox.handing_over(self._clock.now(), limit) as deliveries:
            if deliveries:
                self._publisher.publish([delivery.logged for delivery in deliveries])
        self._metrics.count("penchant_relayed_events_total", len(deliveries))
        return len(deliveries)


class RunRelay:
    """Relays until it is asked to stop; pauses while the broker or the log is out of reach."""

    def __init__(self, relay: RelayOutbox, stop: Stop, clock: Clock, metrics: Metrics, journal: Journal) -> None:
        self._relay = relay
        self._stop = stop
        self._clock = clock
        self._metrics = metrics
        self._journal = journal
        self._circuit = Circuit(first_pause_seconds=0.5, longest_pause_seconds=5.0)

    def __call__(self, limit: int) -> int:
        """Move up to `limit` rows at a time until the end; return how many were moved."""
        moved = 0
        while not self._stop.asked:
            try:
                some = self._relay(limit)
            except TransientError as error:
                self._pause(error)
                continue
            self._resume()
            moved += some
            if some == 0:
                self._stop.wait(POLL_SECONDS)
        return moved

    def _pause(self, error: TransientError) -> None:
        outage = error if isinstance(error, UnavailableError) else UnavailableError(str(error))
        self._circuit.failed(self._clock.monotonic(), outage)
        seconds = self._circuit.closed_again_in(self._clock.monotonic())
        self._metrics.set("penchant_circuit_open", 1, part="relay")
        text = f"The relay pauses for {seconds:.1f} s, and the outbox keeps everything: {error}"
        self._journal.warning("relay_paused", text, pause_seconds=round(seconds, 3))
        self._stop.wait(seconds)

    def _resume(self) -> None:
        if self._circuit.is_open:
            self._circuit.succeeded()
            self._metrics.set("penchant_circuit_open", 0, part="relay")
            self._journal.info("relay_resumed", "What was out of reach is back; the relay goes on.")
