from datetime import timedelta

import numpy as np

from adapters.memory.event_log import PAGE
from adapters.memory.system import CountingIds
from application.generate_load import GenerateLoad, Load
from application.ports.event_log import LogFilter
from application.replay import Replay
from domain.interaction import EventType, Interaction
from tests.builders import NOW, bought, retraction, viewed
from tests.shop import Shop


def test_replaying_everything_changes_nothing(shop: Shop) -> None:
    shop.apply(viewed("m1"), bought("m2", "mug"), retraction("m3", "m1"))
    before = shop.state()

    assert shop.replay(LogFilter()) == 3
    shop.work()

    assert (shop.state().version, shop.state().write_id) == (before.version, before.write_id)


def test_only_what_matches_is_replayed_and_counted(shop: Shop) -> None:
    shop.apply(viewed("m1", age_days=3), viewed("m2", "mug", age_days=1), viewed("m3", user_id="bob", age_days=1))
    events = LogFilter(user_id="ann", product_id="mug", occurred_from=NOW - timedelta(days=2), occurred_before=NOW)
    steps: list[int] = []

    assert (shop.replay.count(events), shop.replay(events, steps.append), steps) == (1, 1, [1])
    assert [row.logged.event.message_id for row in shop.outbox.due(shop.clock.now(), 10)] == ["m2"]


def test_a_replay_waits_whenever_the_outbox_is_deep_and_then_goes_on(shop: Shop) -> None:
    shop.apply(*(viewed(f"m{n}") for n in range(3 * PAGE)))
    deep = PAGE // 2
    depths: list[int] = []

    def wait(depth: int) -> None:
        depths.append(depth)
        if len(depths) % 3 == 0:
            shop.work(10 * PAGE)

    replayed = Replay(shop.log, shop.outbox, deepest=deep)(LogFilter(), when_deep=wait)

    assert replayed == 3 * PAGE
    assert depths == [PAGE] * 6
    assert shop.outbox.depth() == PAGE


def test_what_is_replayed_while_there_is_room_waits_for_nobody(shop: Shop) -> None:
    shop.apply(*(viewed(f"m{n}") for n in range(3 * PAGE)))
    depths: list[int] = []

    Replay(shop.log, shop.outbox, deepest=3 * PAGE)(LogFilter(), when_deep=depths.append)

    assert depths == []


def test_a_generated_load_has_few_users_that_do_most_in_sessions() -> None:
    load = Load(users=100, events=5_000, seed=7)

    events = [s.event for s in GenerateLoad(CountingIds())(load, [f"p{n}" for n in range(200)], NOW)]

    assert len(events) == load.events == len({event.message_id for event in events})
    assert all(isinstance(event, Interaction) and event.occurred_at <= NOW for event in events)
    of_user = np.sort(np.unique([event.user_id for event in events], return_counts=True)[1])[::-1]
    assert of_user[:10].sum() > 2 * of_user[50:].sum()
    assert {event.event_type for event in events if isinstance(event, Interaction)} == set(EventType)
    sessions = {event.user_session for event in events}
    assert load.events / 20 < len(sessions) < load.events / 4


def test_the_same_seed_generates_the_same_users_and_products() -> None:
    def subjects(seed: int) -> list[tuple[str, str | None, str | None]]:
        load = Load(users=10, events=50, seed=seed)
        events = (s.event for s in GenerateLoad(CountingIds())(load, ["tea", "mug"], NOW))
        return [(e.user_id, e.product_id, e.search_phrase) for e in events if isinstance(e, Interaction)]

    assert subjects(1) == subjects(1) != subjects(2)
