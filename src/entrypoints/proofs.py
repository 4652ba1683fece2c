"""What `penchant verify` proves: of whom, what is kept of them, and what it must equal."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from attrs import frozen

from application.verify import VerifyReport


class Verifies(Protocol):
    """What compares."""

    def __call__(self, ids: Collection[str], /) -> VerifyReport:
        """Verify these."""

    def pages(self) -> Iterator[Sequence[str]]:
        """All that there are, some at a time."""


@frozen(kw_only=True)
class Proof:
    """One thing that a consumer keeps, and what holds it against its source.

    Parameters
    ----------
    name : in documents.
    of, kept, source : nouns, as in: every (kept) of 12 (of)s equals (source).
    queue : what --queue calls the consumer.
    strays : how many there are beside them that nobody of us keeps; None where nobody else can put any.
    """

    verify: Verifies
    name: str
    queue: str
    kept: str
    of: str = "user"
    source: str = "the log"
    strays: Callable[[], int] | None = None
