"""A client that records events all the time, repeats what fails, and keeps a ledger of what was accepted."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread

from attrs import define, field

from application.record import RecordEvents, RecordStatus
from domain.errors import TransientError
from tests.integration.production import DEADLINE_SECONDS, Production, search, submission_of
from tests.services.waiting import wait_until

BATCH = 10
USERS = 8
PHRASES = 20
PAUSE_SECONDS = 0.02
"""Between two batches: a steady load that the machine can bear beside the servers."""


@define(kw_only=True, eq=False)
class Load:
    """A ledger that grows while the load runs."""

    name: str
    """What its users, phrases and messages are named after."""
    accepted: Counter[str] = field(factory=Counter)
    """How many events of each user."""
    failures: list[TransientError] = field(factory=list)
    _told_to_stop: Event = field(factory=Event, init=False)
    _error: BaseException | None = field(default=None, init=False)

    @property
    def users(self) -> list[str]:
        return [f"{self.name}-user-{number}" for number in range(USERS)]

    @property
    def counts(self) -> Mapping[str, int]:
        """What every user must come to, once the load has ended."""
        return dict(self.accepted)

    def wait_for_more(self, events: int) -> None:
        """Wait until so many more events were accepted than now."""
        start = self.accepted.total()
        self._wait(lambda: self.accepted.total() >= start + events, f"{events} more accepted events")

    def wait_for_failures(self, attempts: int) -> None:
        """Wait until so many attempts have failed from now on."""
        start = len(self.failures)
        self._wait(lambda: len(self.failures) >= start + attempts, f"{attempts} failures to record")

    def stop(self) -> None:
        """Let it bring its batch to an end and stop."""
        self._told_to_stop.set()

    def raise_error(self) -> None:
        """Raise what it has failed with, if it has."""
        if self._error is not None:
            raise self._error

    def run(self, production: Production) -> None:
        """Record until it is told to stop; what was begun is brought to its end."""
        try:
            with production.container() as container:
                record, numbers = container.record(), count()
                while not self._told_to_stop.wait(PAUSE_SECONDS):
                    self._record(record, [next(numbers) for _ in range(BATCH)])
        except BaseException as error:  # noqa: BLE001  the thread's last words; raised where the load is waited for
            self._error = error

    def _record(self, record: RecordEvents, numbers: Sequence[int]) -> None:
        messages = [
            search(f"{self.name}-{n}", self.users[n % USERS], f"{self.name} phrase {n % PHRASES}") for n in numbers
        ]
        while True:
            try:
                receipts = record([submission_of(message) for message in messages])
                break
            except TransientError as error:
                self.failures.append(error)
                self._told_to_stop.wait(PAUSE_SECONDS)
        assert all(receipt.status is not RecordStatus.REFUSED for receipt in receipts), receipts
        self.accepted.update(message["user_id"] for message in messages)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(lambda: self._error is not None or condition(), DEADLINE_SECONDS, what)
        self.raise_error()


@contextmanager
def load_on(production: Production, name: str) -> Iterator[Load]:
    """A load that runs during the block. At its end the ledger is complete."""
    load = Load(name=name)
    thread = Thread(target=load.run, args=(production,), name=f"load {name}")
    thread.start()
    try:
        yield load
    finally:
        load.stop()
        thread.join()
    load.raise_error()
