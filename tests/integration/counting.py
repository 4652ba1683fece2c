"""Waiting for the stored states to come to what was recorded."""

from collections.abc import Callable, Mapping

from entrypoints.container import Container
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.services.waiting import wait_until


def wait_until_counted(container: Container, counts: Mapping[str, int], meanwhile: Callable[[], None]) -> None:
    """Wait until each of these users has so many live events in the stored state, and nothing missing."""
    behind: dict[str, object] = {}

    def is_done() -> bool:
        nonlocal behind
        meanwhile()
        states = container.store().read(list(counts))
        behind = {
            user: "no state" if user not in states else (states[user].event_count, states[user].applied.missing)
            for user, count in counts.items()
            if user not in states or states[user].event_count != count or states[user].applied.missing
        }
        return not behind

    try:
        wait_until(is_done, DEADLINE_SECONDS, "all events to be counted")
    except TimeoutError as error:
        some = dict(sorted(behind.items())[:5])
        raise AssertionError(f"{len(behind)} users are behind, such as {some} of {counts}") from error
