"""`penchant demo` on all of the real data: half a million lines."""

import random
import re
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.online_retail.dataset import OnlineRetail
from application.rebuild import pages_of_users
from domain.interaction import Interaction, Retraction
from entrypoints.cli.demo import CUSTOMERS
from entrypoints.cli.demo_data import SHIFT
from entrypoints.container import Container
from tests.documents import ROOT
from tests.integration.program import Outcome, Program
from tests.integration.states import assert_same_states
from tests.reference import RawEvent, assert_agrees, expected_of
from tests.services.waiting import wait_until

pytestmark = pytest.mark.slow

DEADLINE_SECONDS = 300
EVENTS = 399_059
LIVE_CUSTOMERS = frozenset(CUSTOMERS)
USERS_CHECKED = 40
DISCOVERIES, FIRST_DISCOVERY = 0, 1


def test_the_demo_loads_everything_and_proves_it(demo: tuple[Program, Outcome]) -> None:
    program, outcome = demo

    assert f"Loaded {EVENTS:,} events of 4,335 customers and 3,676 products" in outcome.stdout
    assert re.search(r"✓ 4,335 users, 399,062 events: every embedding equals the log", outcome.stdout)
    assert "Users that had to be rebuilt from the log on the way: none" in outcome.stdout
    assert "readable" in outcome.stdout
    report = program.ok("verify", "--all", "--json").json
    assert (report["users"], report["mismatches"], report["lag"]) == (4335, 0, 0)


def test_a_second_run_changes_nothing_and_says_so(demo: tuple[Program, Outcome]) -> None:
    program, _ = demo
    before = program.ok("stats", "--json").json, program.ok("profile", "show", CUSTOMERS[0], "--json").json

    outcome = program.process("demo")

    assert f"Read {EVENTS:,} events" in outcome.stdout
    assert "All were in the log already: recording them again changed nothing" in outcome.stdout
    assert "every embedding equals the log" in outcome.stdout
    assert before == (program.ok("stats", "--json").json, program.ok("profile", "show", CUSTOMERS[0], "--json").json)


def test_killed_half_way_and_run_again_it_ends_with_the_same_embeddings(
    demo: tuple[Program, Outcome], tmp_path: Path
) -> None:
    orderly, _ = demo
    killed = Program(home=tmp_path / "home", folder=tmp_path)
    process = killed.start("demo")
    _wait_until_half_way(killed)
    process.send_signal(signal.SIGKILL)
    process.wait()
    container = killed.container()
    recorded = container.event_log().count()
    container.database().dispose()
    assert 0 < recorded < EVENTS

    figures = killed.process("demo", "--json").json

    assert (figures["recorded"], figures["repeated"]) == (EVENTS - recorded, recorded)
    assert (figures["mismatches"], figures["lag"]) == (0, 0)
    assert_same_states(orderly, killed, besides=LIVE_CUSTOMERS)


def test_real_users_agree_with_the_closed_formula_over_the_raw_events(demo: tuple[Program, Outcome]) -> None:
    program, _ = demo
    container = program.container()
    try:
        _assert_formula(container)
    finally:
        container.database().dispose()


def _assert_formula(container: Container) -> None:
    shift = timedelta(days=int(container.registry().get(SHIFT) or 0))
    events = [submission.event for _, submission in OnlineRetail().submissions(shift) if submission is not None]
    retracted = {event.retracts for event in events if isinstance(event, Retraction)}
    users = sorted(user for page in pages_of_users(container.event_log()) for user in page)
    chosen = set(random.Random(3).sample(users, USERS_CHECKED)) - LIVE_CUSTOMERS
    raw = [
        RawEvent(
            user_id=event.user_id,
            event_type=event.event_type,
            subject=event.product_id or "",
            occurred_at=event.occurred_at,
            retracted=event.message_id in retracted,
        )
        for event in events
        if isinstance(event, Interaction) and event.user_id in chosen
    ]
    ids, matrix = container.catalogue().vectors({event.subject for event in raw})
    vectors = dict(zip(ids, matrix, strict=True))
    weights = {name.value: weight for name, weight in container.recipe().weights.items()}
    states = container.store().read(chosen)
    for user in chosen:
        expected = expected_of(raw, user, vectors.__getitem__, weights, container.recipe().decay.rate_per_day)
        assert_agrees(states.get(user), expected, container.recipe().decay.rate_per_day)


def _wait_until_half_way(program: Program) -> None:
    """Wait until a good part of the events is recorded."""
    container = program.container()

    def is_half_way() -> bool:
        made = (program.home / "penchant.db").exists() and container.schema().is_current()
        return made and container.event_log().count() > EVENTS // 3

    wait_until(is_half_way, DEADLINE_SECONDS, "a good part of the events to be recorded")
    container.database().dispose()


def _mrr(evaluation: dict[str, Any], ranker: str, target: int = DISCOVERIES) -> dict[str, float]:
    (found,) = (score for score in evaluation["targets"][target]["rankers"] if score["name"] == ranker)
    return found["metrics"]["MRR"]  # type: ignore[no-any-return]


def test_on_the_real_data_the_blend_beats_what_it_is_made_of(demo: tuple[Program, Outcome]) -> None:
    program, _ = demo
    before = program.ok("stats", "--json").json

    found = program.ok("evaluate", "--graph", "--json", "--k", "10").json

    assert program.ok("stats", "--json").json == before
    assert [target["name"] for target in found["targets"]] == ["discoveries", "first discovery", "repeats"]
    assert [target["users"] for target in found["targets"]] == [1388, 1388, 1381]
    for source in [ranker["name"] for ranker in found["targets"][DISCOVERIES]["rankers"] if ranker["name"] != "blend"]:
        assert _mrr(found, "blend", DISCOVERIES)["low"] > _mrr(found, source, DISCOVERIES)["high"], source
    for source in ("random", "bestsellers", "bestsellers, 14 days", "last item", "embedding", "popular"):
        assert _mrr(found, "blend", FIRST_DISCOVERY)["low"] > _mrr(found, source, FIRST_DISCOVERY)["high"], source
    _assert_as_documented(found["targets"][DISCOVERIES]["rankers"])
    assert any("one type (purchase): weights cannot be compared" in note for note in found["notes"])


def _assert_as_documented(rankers: list[dict[str, Any]]) -> None:
    """The table of the page is what the command finds."""
    page = (ROOT / "docs" / "evaluation.md").read_text().replace("**", "")
    for score in rankers:
        mrr, hits = score["metrics"]["MRR"], score["metrics"]["hit rate@10"]
        value, low, high, hit = (
            f"{number:.3f}".lstrip("0") for number in (mrr["value"], mrr["low"], mrr["high"], hits["value"])
        )
        assert f"| {value} | {low} to {high} | {hit} |" in page, score["name"]
