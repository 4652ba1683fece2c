"""Verifying in several processes: each has connections of its own, and only ids and reports go between them."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context

from application.verify import VerifyReport
from entrypoints.container import Container
from entrypoints.settings import Settings

AHEAD = 2
"""Pages that each process has waiting: enough to keep it busy, so few that memory does not grow with the users."""

MOST_BY_DEFAULT = 4


def processes_for(users: int) -> int:
    """How many processes are worth their start for so many users, on this machine."""
    return max(1, min(MOST_BY_DEFAULT, os.cpu_count() or 1, users // 2_000))


def verify_pages(
    settings: Settings, pages: Iterable[Sequence[str]], processes: int, on_users: Callable[[int], None]
) -> VerifyReport:
    """Verify all these users; tell `on_users` how many each step did."""
    report = VerifyReport()
    waiting: dict[Future[VerifyReport], int] = {}

    def take(when: str) -> None:
        nonlocal report
        for future in wait(waiting, return_when=when).done:
            report += future.result()
            on_users(waiting.pop(future))

    # Spawned, not forked: connections and threads of this process must not be shared.
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for page in pages:
            if len(waiting) >= AHEAD * processes:
                take(FIRST_COMPLETED)
            with _interrupts_held_back():
                waiting[pool.submit(_verify, settings, page)] = len(page)
        while waiting:
            take(FIRST_COMPLETED)
    return report


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C reaches the whole group. A process that starts in the block never hears it: this one ends it, quietly."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _verify(settings: Settings, user_ids: Sequence[str]) -> VerifyReport:
    report: VerifyReport = _container(settings).verify()(user_ids)
    return report


@cache
def _container(settings: Settings) -> Container:
    """One for all pages that this process verifies."""
    return Container(settings=settings)
