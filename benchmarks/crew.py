"""Worker processes under observation: started, counted at the queue, measured, and ended."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import psutil
from attrs import define, field

from benchmarks.stack import WORK_QUEUE, Space
from tests.services.child import Child, data_folder
from tests.services.rabbitmq import RabbitmqServer
from tests.services.waiting import wait_until

SAMPLE_SECONDS = 0.1
START_SECONDS = 120
PROJECT = Path(__file__).parents[1]


@contextmanager
def program(command: Sequence[str], environment: Mapping[str, str], name: str) -> Iterator[Child]:
    """A program that runs as long as the block, and is asked to end with it."""
    child = Child(
        command=(sys.executable, *command),
        folder=data_folder(name),
        environment={"PYTHONPATH": str(PROJECT), **environment},
    )
    try:
        child.start()
        yield child
        if trouble := child.trouble():
            raise RuntimeError(trouble)
        child.stop()
    finally:
        child.close()


def penchant(*arguments: str) -> Sequence[str]:
    """The command line of the program `penchant`, for `program`."""
    return ("-m", "entrypoints.program", *arguments)


@contextmanager
def workers(space: Space, count: int, *options: str) -> "Iterator[Crew]":
    """`penchant worker` with that many processes, which have begun to consume."""
    concurrency = ("--concurrency", str(count)) if count > 1 else ()
    with program(penchant("worker", *concurrency, *options), space.environment, "worker") as child:
        wait_for_consumers(space.stack.rabbitmq, space.rabbitmq_url, WORK_QUEUE, count, child)
        yield Crew(child, supervised=count > 1)


def wait_for_consumers(server: RabbitmqServer, vhost_url: str, queue: str, count: int, child: Child) -> None:
    """Wait until a queue that is there has so many consumers. Raises RuntimeError when the program has ended."""
    with closing(Depth(server, vhost_url, queue)) as depth:

        def consuming() -> bool:
            if trouble := child.trouble():
                raise RuntimeError(trouble)
            return depth.consumers() >= count

        wait_until(consuming, START_SECONDS, f"{count} consumers of {queue}")


class Depth:
    """How many messages a queue holds that no consumer has, and how many consumers it has; over one connection."""

    def __init__(self, server: RabbitmqServer, vhost_url: str, queue: str) -> None:
        self._queue = queue
        self._context = server.connection(vhost_url)
        self._channel = self._context.__enter__().channel()

    def ready(self) -> int:
        return int(self._channel.queue_declare(self._queue, passive=True).message_count)

    def consumers(self) -> int:
        return int(self._channel.queue_declare(self._queue, passive=True).consumer_count)

    def close(self) -> None:
        self._context.__exit__(None, None, None)


@define(eq=False)
class Crew:
    """The processes of a program that works. Its leader counts as one of them only if it has no others."""

    child: Child
    supervised: bool
    peak_bytes: int = field(default=0, init=False)
    """The largest resident set that any of its processes was seen to have."""

    @property
    def processes(self) -> list[psutil.Process]:
        """The workers."""
        leader = psutil.Process(self.child.pid)
        return leader.children(recursive=True) if self.supervised else [leader]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Sample the memory of its processes while the block runs."""
        done = Event()

        def sample() -> None:
            while not done.wait(SAMPLE_SECONDS):
                self.peak_bytes = max(self.peak_bytes, *(resident(process) for process in self.processes), 0)

        thread = Thread(target=sample, name="memory")
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def resident(process: psutil.Process) -> int:
    """Bytes of memory that a process holds; 0 if it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor time that each of these processes has used so far, with its children that live."""
    used = {}
    for name, pid in pids.items():
        leader = psutil.Process(pid)
        used[name] = 0.0
        for process in (leader, *leader.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            used[name] += times.user + times.system
    return used


def used_since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds between two answers of `cpu_seconds`, largest first."""
    used = {name: after[name] - before[name] for name in before}
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def now() -> float:
    """Seconds, for differences."""
    return time.monotonic()
