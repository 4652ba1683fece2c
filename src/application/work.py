"""Working: deliveries from a source are applied and settled, batch by batch."""

from collections import Counter
from collections.abc import Callable

from attrs import field, frozen

from application.ports.message_source import MessageSource, Verdict
from application.update import UpdateUserEmbeddings


@frozen(kw_only=True)
class WorkReport:
    """How many deliveries got which verdict, and how many rebuilds that took, by reason."""

    verdicts: Counter[Verdict] = field(factory=Counter)
    rebuilt: Counter[str] = field(factory=Counter)

    @property
    def deliveries(self) -> int:
        """All deliveries that were settled."""
        return self.verdicts.total()


class Work:
    """The inside of every worker."""

    def __init__(self, source: MessageSource, update: UpdateUserEmbeddings, batch_size: int) -> None:
        self._source = source
        self._update = update
        self._batch_size = batch_size

    def batch(self) -> WorkReport:
        """Receive, apply and settle one batch."""
        deliveries = self._source.receive(self._batch_size)
        if not deliveries:
            return WorkReport()
        report = self._update(deliveries)
        self._source.settle(report.outcomes)
        verdicts = Counter(outcome.verdict for outcome in report.outcomes)
        return WorkReport(verdicts=verdicts, rebuilt=Counter(report.rebuilt))

    def drain(self, on_batch: Callable[[int], None] | None = None) -> WorkReport:
        """Work until nothing is due, and tell `on_batch` how many deliveries each batch had."""
        total = WorkReport()
        while (report := self.batch()).deliveries:
            total.verdicts.update(report.verdicts)
            total.rebuilt.update(report.rebuilt)
            if on_batch is not None:
                on_batch(report.deliveries)
        return total
