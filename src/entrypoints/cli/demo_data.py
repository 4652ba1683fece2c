"""Loads the sample shop of the demo, the way every event goes."""

from collections import Counter
from datetime import timedelta

from attrs import field, frozen

from application.event_message import Submission
from application.ports.sample_shop import LineKind
from application.record import RecordStatus
from domain.errors import ConfigurationError
from entrypoints.cli.output import progress
from entrypoints.container import Container

BATCH = 4_000
SHIFT = "online-retail-shift-days"


def shift_days(container: Container) -> int:
    """By how many days the data are moved: decided at the first run, and kept beside the log."""
    kept = container.registry().get(SHIFT)
    if kept is None and container.event_log().count():
        raise ConfigurationError(
            f"PENCHANT_HOME ({container.settings().home}) holds events of another shop, and the demo would mix with "
            "them. Try: PENCHANT_HOME=/tmp/penchant-demo penchant demo"
        )
    yesterday = container.clock().now().date() - timedelta(days=1)
    shift = yesterday - container.sample_shop().last_day
    return int(container.registry().set_if_absent(SHIFT, str(shift.days)))


@frozen
class Loaded:
    """What the import did."""

    kinds: Counter[LineKind] = field(factory=Counter)
    statuses: Counter[RecordStatus] = field(factory=Counter)
    rebuilt: Counter[str] = field(factory=Counter)

    @property
    def events(self) -> int:
        """Purchases and retractions."""
        return self.kinds[LineKind.PURCHASE] + self.kinds[LineKind.RETRACTION]


def load(container: Container, shift: timedelta) -> Loaded:
    """Record and apply the whole sample shop, its times moved by `shift`."""
    loaded = Loaded()
    batch: list[Submission] = []

    def flush() -> None:
        loaded.statuses.update(receipt.status for receipt in container.record()(batch))
        loaded.rebuilt.update(container.work().drain(BATCH).rebuilt)
        batch.clear()

    container.import_products()(container.sample_shop().products())
    with progress("loading invoice lines", container.sample_shop().line_count) as advance:
        for number, (kind, submission) in enumerate(container.sample_shop().submissions(shift), start=1):
            loaded.kinds[kind] += 1
            if submission is not None:
                batch.append(submission)
            if len(batch) == BATCH:
                flush()
            if number % BATCH == 0:
                advance(BATCH)
        flush()
    return loaded
