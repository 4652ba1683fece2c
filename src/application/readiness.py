"""Whether requests can be served: one cheap question to each part that they need."""

from collections.abc import Callable, Mapping, Sequence

from application.ports.examinable import Finding, Health
from domain.errors import PenchantError


class Readiness:
    """Asks each part something; what raises an error of ours is not ready.

    Parameters
    ----------
    questions : by the name of the part.
    """

    def __init__(self, questions: Mapping[str, Callable[[], object]]) -> None:
        self._questions = questions

    def __call__(self) -> Sequence[Finding]:
        """A finding for each part."""
        return [_asked(part, question) for part, question in self._questions.items()]


def _asked(part: str, question: Callable[[], object]) -> Finding:
    try:
        question()
    except PenchantError as error:
        return Finding(part=part, subject="answer", health=Health.FAILED, text=str(error))
    return Finding(part=part, subject="answer", health=Health.OK, text="It answers.")
