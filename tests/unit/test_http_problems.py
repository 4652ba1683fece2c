"""What callers are told of errors, and what only those are told who run Penchant."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

import httpx
import pytest
from attrs import NOTHING, fields

from adapters.http.app import create_app
from adapters.http.problems import TELL_SECONDS
from adapters.http.service import Service
from adapters.memory.system import CountingIds, CountingMetrics, ManualClock, RememberedJournal
from domain.errors import ConfigurationError, UnavailableError
from tests.builders import NOW

EVENT = {"user_id": "ann", "event_type": "search", "search_phrase": "a secret wish"}


async def _let_in(*_: object) -> Mapping[str, str]:
    return {}


def _never_called(*_: object) -> NoReturn:
    raise AssertionError


def answers(
    error: Exception,
    clock: ManualClock,
    journal: RememberedJournal,
    times: int = 1,
    metrics: CountingMetrics | None = None,
) -> list[httpx.Response]:
    """What an API answers whose recording fails like this, and takes half as long as is told once."""

    def record(_: Sequence[object]) -> NoReturn:
        clock.advance(timedelta(seconds=TELL_SECONDS / 2))
        raise error

    given: dict[str, Any] = {part.name: _never_called for part in fields(Service) if part.default is NOTHING}
    given |= {"record": record, "clock": clock, "ids": CountingIds(), "journal": journal, "gate": _let_in}
    app = create_app(Service(**{**given, "metrics": metrics if metrics is not None else CountingMetrics()}))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            return [await client.post("/events", json=EVENT) for _ in range(times)]

    return asyncio.run(ask())


@pytest.fixture
def journal() -> RememberedJournal:
    return RememberedJournal()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def test_a_part_that_is_away_is_named_to_operators_only(clock: ManualClock, journal: RememberedJournal) -> None:
    (answer,) = answers(UnavailableError("MySQL at db.internal (DATABASE_URL) is away."), clock, journal)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "db.internal" not in answer.text
    assert [sentence for _, sentence, _ in journal.entries] == ["MySQL at db.internal (DATABASE_URL) is away."]


def test_a_part_that_asked_for_a_pause_is_given_it(clock: ManualClock, journal: RememberedJournal) -> None:
    (answer,) = answers(UnavailableError("busy", retry_after_seconds=12.2), clock, journal)

    assert answer.headers["retry-after"] == "13"


def test_what_is_configured_wrongly_is_not_the_fault_of_the_caller(
    clock: ManualClock, journal: RememberedJournal
) -> None:
    (answer,) = answers(ConfigurationError("The recipe has changed."), clock, journal)

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:penchant:problem:not-configured")


def test_a_fault_of_ours_is_answered_and_quotes_nothing(clock: ManualClock, journal: RememberedJournal) -> None:
    first, second = answers(ZeroDivisionError(EVENT["search_phrase"]), clock, journal, times=2)

    assert (first.status_code, first.json()["type"]) == (500, "urn:penchant:problem:unexpected")
    assert second.status_code == 500
    assert "secret" not in first.text + str(journal.entries)


def test_the_same_trouble_is_told_once_in_a_while(clock: ManualClock, journal: RememberedJournal) -> None:
    answers(UnavailableError("away"), clock, journal, times=4)

    assert len(journal.entries) == 2


@pytest.mark.parametrize(
    ("error", "kind"), [(UnavailableError("away"), "unavailable"), (ZeroDivisionError(), "unexpected")]
)
def test_each_problem_is_counted_by_its_kind(
    clock: ManualClock, journal: RememberedJournal, error: Exception, kind: str
) -> None:
    metrics = CountingMetrics()

    answers(error, clock, journal, times=2, metrics=metrics)

    assert metrics.counters[f'penchant_http_problems_total{{key=""}}{{kind="{kind}"}}'] == 2
