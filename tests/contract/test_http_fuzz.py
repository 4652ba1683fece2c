"""Thousands of broken bodies: none is a fault of the server's, and the log holds just what was accepted."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle

import pytest

from application.ports.event_log import LogFilter
from tests.contract.effort import EFFORT, SEED
from tests.contract.fuzz_ledger import ACCEPTED, Exchange, Ledger
from tests.contract.fuzzed_bodies import Fuzzer
from tests.contract.live_api import LiveApi, live_fixture  # noqa: F401
from tests.integration.http_api import starting
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.services.waiting import wait_until

CLIENTS = 8
REFUSALS = {404, 409, 413, 422}


@pytest.mark.parametrize("live", ["embedded"], indirect=True)
def test_hundreds_of_fuzzed_bodies_leave_just_what_was_accepted(live: LiveApi) -> None:
    _fuzz(live, 500)


@pytest.mark.slow
def test_ten_thousand_fuzzed_bodies_leave_just_what_was_accepted(live: LiveApi) -> None:
    _fuzz(live, 10_000 * EFFORT)


def _fuzz(live: LiveApi, count: int) -> None:
    exchanges = _sent(live, count)

    statuses = Counter(exchange.status for exchange in exchanges)
    assert {ACCEPTED} < set(statuses) <= {ACCEPTED, *REFUSALS}, statuses
    ledger = Ledger()
    for exchange in exchanges:
        ledger.note(exchange)
    assert min(len(ledger.interactions), len(ledger.retractions)) > count // 100
    with live.container() as container:
        log = container.event_log()
        assert Ledger.of_log(log.matching(LogFilter())) == ledger
        assert log.count() == len(ledger.interactions) + len(ledger.retractions)
    _verify(live)


def _sent(live: LiveApi, count: int) -> Sequence[Exchange]:
    """Send so many bodies, one in five a batch, from several clients at once."""
    fuzzer = Fuzzer(SEED)
    ways: Iterator[tuple[str, Callable[[], bytes]]] = cycle(
        [*[("/events", fuzzer.body)] * 4, ("/events/batch", fuzzer.batch)]
    )
    requests = [(path, make()) for path, make in (next(ways) for _ in range(count))]

    def send(request: tuple[str, bytes]) -> Exchange:
        path, body = request
        answer = live.api.client.post(path, content=body, headers={"Content-Type": "application/json"})
        return Exchange(path=path, body=body, status=answer.status_code, answer=answer.json())

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(send, requests))


def _verify(live: LiveApi) -> None:
    """Wait until everything is applied, and hold it against the log."""

    def is_applied() -> bool:
        report = live.run("verify", "--all", "--json").json
        assert report["mismatches"] == 0, report
        return bool(report["lag"] == 0)

    with ExitStack() as stack:
        if live.variables:
            worker = starting(live.program)("worker", **live.variables)
            stack.callback(worker.end)
        wait_until(is_applied, DEADLINE_SECONDS, "verify to find no lag")
