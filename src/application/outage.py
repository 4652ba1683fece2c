"""The pauses of a loop while something that it needs is out of reach."""

from application.circuit import Circuit
from application.ports.system import Clock, Journal, Metrics, Stop
from domain.errors import TransientError, UnavailableError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0


class Outage:
    """Waits longer at each failure in a row, and tells operators when an outage begins, goes on and is over.

    Parameters
    ----------
    part : who pauses, in metrics and in the names of actions, such as "worker".
    who, comfort : the same in sentences, and what becomes of events meanwhile.
    """

    def __init__(
        self, part: str, who: str, comfort: str, stop: Stop, clock: Clock, metrics: Metrics, journal: Journal
    ) -> None:
        self._part = part
        self._who = who
        self._comfort = comfort
        self._stop = stop
        self._clock = clock
        self._metrics = metrics
        self._journal = journal
        self._circuit = Circuit(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def wait_out(self, error: TransientError) -> None:
        """Pause for a while, or until this process is asked to end."""
        outage = error if isinstance(error, UnavailableError) else UnavailableError(str(error))
        self._circuit.failed(self._clock.monotonic(), outage)
        seconds = self._circuit.closed_again_in(self._clock.monotonic())
        self._metrics.set("penchant_circuit_open", 1, part=self._part)
        text = f"{self._who} pauses for {seconds:.1f} s, and {self._comfort}: {error}"
        self._journal.warning(f"{self._part}_paused", text, pause_seconds=round(seconds, 3))
        self._stop.wait(seconds)

    def is_over(self) -> None:
        """What was out of reach has answered. Does nothing where there was no outage."""
        if self._circuit.is_open:
            self._circuit.succeeded()
            self._metrics.set("penchant_circuit_open", 0, part=self._part)
            who = self._who[0].lower() + self._who[1:]
            self._journal.info(f"{self._part}_resumed", f"What was out of reach is back; {who} goes on.")
