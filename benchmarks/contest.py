"""One round of Penchant on the servers that production runs on, and what any contestant's round comes to."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import frozen

from benchmarks import crew, shop
from benchmarks.progress import Progress, applied_by_penchant
from benchmarks.stack import USER_EMBEDDINGS, WORK_QUEUE, Stack
from domain.interaction import Interaction

PROCESSES = 2


@frozen(kw_only=True)
class Outcome:
    """What a round came to. Seconds are from the first message on."""

    seconds: float
    """To the last write."""
    seconds_to_99: float
    """Until 99 % of the events were in the vectors: without the tail of late retries."""
    lost: int
    twice: int
    wrong_users: int
    cpu: Mapping[str, float]
    """Processor seconds by process."""
    peak_bytes: int


def penchant_round(
    stack: Stack, events: Sequence[Interaction], *, backlog: bool, processes: int = PROCESSES
) -> Outcome:
    """Penchant: everything is in log and outbox; a relay publishes, and so many workers apply."""
    with stack.space() as space, space.container() as container:
        shop.open_shop(container, events)
        shop.record(container, events)
        expected = container.event_log().count()
        with crew.workers(space, processes, "--no-relay") as workers:
            progress = Progress(space, WORK_QUEUE, USER_EMBEDDINGS, applied_by_penchant, expected)
            timed = Timed.run(stack, workers, partial(shop.publish, container), progress, backlog=backlog)
        return timed.outcome(progress, lost=expected - progress.applied, wrong=len(container.verify().all().mismatches))


@frozen(kw_only=True)
class Timed:
    """When a round began, and what it used."""

    start: float
    cpu: Mapping[str, float]
    peak_bytes: int

    @classmethod
    def run(
        cls, stack: Stack, workers: crew.Crew, publish: Callable[[], None], progress: Progress, *, backlog: bool
    ) -> "Timed":
        """Let workers that wait at an empty queue work off what is published.

        `backlog`: they are frozen until all of it is there, and the time begins as they go on. Otherwise it begins with
        the first message, and to publish takes its part of the processors.
        """
        pids = {**stack.pids(), "workers": workers.child.pid}
        gc.collect()
        with workers.watched():
            if backlog:
                workers.child.pause()
                publish()
            before, own = crew.cpu_seconds(pids), time.process_time()
            start = crew.now()
            if backlog:
                workers.child.resume()
            else:
                publish()
            progress.follow()
            used = crew.used_since(before, crew.cpu_seconds(pids))
        watching = "observer" if backlog else "publisher"
        return cls(start=start, cpu={**used, watching: time.process_time() - own}, peak_bytes=workers.peak_bytes)

    def outcome(self, progress: Progress, *, lost: int, twice: int = 0, wrong: int) -> Outcome:
        """The whole outcome."""
        return Outcome(
            seconds=progress.last - self.start,
            seconds_to_99=progress.most - self.start,
            lost=lost,
            twice=twice,
            wrong_users=wrong,
            cpu=self.cpu,
            peak_bytes=self.peak_bytes,
        )
