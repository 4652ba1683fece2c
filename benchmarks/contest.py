"""One round of Penchant on the servers that production runs on, and what any contestant's round comes to."""

import gc
import time
from collections.abc import Mapping, Sequence

from attrs import frozen

from benchmarks import crew, shop
from benchmarks.progress import Progress, applied_by_penchant
from benchmarks.stack import USER_EMBEDDINGS, WORK_QUEUE, Stack
from domain.interaction import Interaction

PROCESSES = 2


@frozen(kw_only=True)
class Outcome:
    """What a round came to. Times are from the first delivery on, in seconds."""

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


def penchant_round(stack: Stack, events: Sequence[Interaction], processes: int = PROCESSES) -> Outcome:
    """Penchant: everything is in log and outbox; a relay publishes, and so many workers apply."""
    with stack.space() as space, space.container() as container:
        shop.open_shop(container, events)
        shop.record(container, events)
        expected = container.event_log().count()
        with crew.workers(space, processes, "--no-relay") as workers, workers.watched():
            pids = {**stack.pids(), "workers": workers.child.pid}
            progress = Progress(space, WORK_QUEUE, USER_EMBEDDINGS, applied_by_penchant, expected)
            before = crew.cpu_seconds(pids)
            # Earlier than the first delivery, and with the relay's own work: Celery's messages are published before.
            start, own = crew.now(), time.process_time()
            gc.collect()
            shop.publish(container)
            progress.follow(until_quiet=False)
            cpu = crew.used_since(before, crew.cpu_seconds(pids)) | {"relay and observer": time.process_time() - own}
        report = container.verify().all()
        return Outcome(
            seconds=progress.last - start,
            seconds_to_99=progress.most - start,
            lost=expected - progress.applied,
            twice=0,
            wrong_users=len(report.mismatches),
            cpu=cpu,
            peak_bytes=workers.peak_bytes,
        )
