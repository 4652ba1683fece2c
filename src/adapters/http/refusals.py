"""What the server refuses before a request has come to the application."""

import math

from application.ports.system import Clock, Journal, Metrics

TELL_SECONDS = 10.0

BUSY = "busy"
NOT_TAKEN, ENDLESS = "not-taken", "endless"
"""What is refused without an answer: who does not take one, and what stands between or behind chunks without an end."""


class Refusals:
    """Counts them by kind, and tells in the journal, once in a while, that there are too many connections."""

    def __init__(self, metrics: Metrics, journal: Journal, clock: Clock) -> None:
        self._metrics = metrics
        self._journal = journal
        self._clock = clock
        self._told = -math.inf

    def __call__(self, kind: str) -> None:
        """Count one."""
        self._metrics.count("penchant_http_refusals_total", kind=kind)
        if kind != BUSY or self._clock.monotonic() - self._told < TELL_SECONDS:
            return
        self._told = self._clock.monotonic()
        text = "There are more connections than PENCHANT_HTTP_MAX_CONNECTIONS: idle ones are closed for new ones."
        self._journal.warning("connections_full", text)
