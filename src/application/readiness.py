"""Whether requests can be served: one cheap question to each part that they need."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from application.ports.examinable import Finding, Health
from application.ports.system import Clock
from domain.errors import PenchantError

KEPT_SECONDS = 1.0
"""For so long an answer is good enough: anybody may ask, and many cost the servers as much as one."""


class Readiness:
    """Asks each part something; what raises an error of ours is not ready. Those who ask at once share an answer.

    Parameters
    ----------
    questions : by the name of the part.
    """

    def __init__(
        self, questions: Mapping[str, Callable[[], object]], clock: Clock, kept_seconds: float = KEPT_SECONDS
    ) -> None:
        self._questions = questions
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._lock = Lock()
        self._kept: tuple[float, Sequence[Finding]] | None = None

    def __call__(self) -> Sequence[Finding]:
        """A finding for each part."""
        with self._lock:
            if self._kept is None or self._clock.monotonic() - self._kept[0] >= self._kept_seconds:
                findings = [_asked(part, question) for part, question in self._questions.items()]
                self._kept = (self._clock.monotonic(), findings)
            return self._kept[1]


def _asked(part: str, question: Callable[[], object]) -> Finding:
    try:
        question()
    except PenchantError as error:
        return Finding(part=part, subject="answer", health=Health.FAILED, text=str(error))
    return Finding(part=part, subject="answer", health=Health.OK, text="It answers.")
