"""A source of candidates that recommendations can do without."""

from collections.abc import Sequence

from application.circuit import Circuit
from application.ports.system import Clock, Metrics
from application.shopper import CandidateSource, Shopper, Wanted
from domain.errors import TransientError, UnavailableError


class OptionalSource:
    """While it fails it knows nothing of anybody, which is counted, and it is asked again now and then.

    What only a person can mend, such as a wrong password, is raised.
    """

    def __init__(self, source: CandidateSource, name: str, clock: Clock, metrics: Metrics) -> None:
        self._source = source
        self._name = name
        self._clock = clock
        self._metrics = metrics
        self._circuit = Circuit()

    @property
    def error(self) -> UnavailableError | None:
        """Why it is left out now; None where it is not."""
        return self._circuit.error(self._clock.monotonic())

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        started = self._clock.monotonic()
        if self._circuit.error(started) is not None:
            return self._left_out()
        try:
            found = self._source(shopper, wanted)
        except TransientError as error:
            now = self._clock.monotonic()
            self._circuit.failed(now, UnavailableError(str(error)), now - started)
            return self._left_out()
        self._circuit.succeeded()
        return found

    def _left_out(self) -> Sequence[str]:
        self._metrics.count("penchant_sources_left_out_total", source=self._name)
        return ()
