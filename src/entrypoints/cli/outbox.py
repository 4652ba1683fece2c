"""A deep outbox, as long commands meet it."""

from collections.abc import Callable
from itertools import count

from entrypoints.cli.output import err
from entrypoints.container import Container

WAIT_SECONDS = 1.0
TELL_EVERY = 60
"""After so many waits in vain it is said again."""


def until_drained(container: Container) -> Callable[[int], None]:
    """What to call with its depth while the outbox is too deep.

    Without a broker it applies a batch, since nobody else may be there to do it; otherwise it waits, and says so.
    """
    waits = count()

    def wait(depth: int) -> None:
        if container.applies_itself() and container.work().batch(container.settings().batch_size).deliveries:
            return
        if next(waits) % TELL_EVERY == 0:
            err.print(
                f"Waiting for the outbox to drain: it holds {depth:,} rows. If no worker runs, start one: penchant "
                "worker. Ctrl-C is safe: what has gone out stays, and the same command again does no harm.",
                soft_wrap=True,
            )
        container.stop().wait(WAIT_SECONDS)

    return wait
