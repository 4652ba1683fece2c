"""What every event log promises about what is in it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain, groupby

import pytest

from application.ports.event_log import EventLog, LogFilter
from domain.interaction import EventType, LoggedEvent
from tests.builders import NOW, ODD_TEXTS, bought, days_ago, interaction, retraction, searched, viewed
from tests.contract.adapters import append


def _history(log: EventLog, *user_ids: str) -> list[LoggedEvent]:
    return list(chain.from_iterable(log.history(user_ids)))


def _last(log: EventLog, up_to: Mapping[str, int], limit: int) -> list[LoggedEvent]:
    found = chain.from_iterable(log.last_events(up_to, limit))
    return sorted(found, key=lambda logged: (logged.event.user_id, logged.position))


def test_what_was_appended_is_found_by_its_message_id(log: EventLog) -> None:
    [logged] = append(log, [bought("m1")], NOW)

    assert log.find(["m1", "m2"]) == {"m1": logged}
    assert (logged.event, logged.position, logged.recorded_at) == (bought("m1"), 1, NOW)


def test_an_empty_log_has_nothing(log: EventLog) -> None:
    assert (log.count(), log.user_count()) == (0, 0)
    assert log.find(["m1"]) == {}
    assert _history(log, "ann") == []
    assert list(log.heads(None, 10)) == []
    assert log.heads_of(["ann"]) == {}
    assert _last(log, {"ann": 7}, 50) == []
    assert log.product_counts() == {}
    assert list(log.daily_counts(days_ago(9))) == []
    assert list(chain.from_iterable(log.matching(LogFilter()))) == []
    assert log.count_matching(LogFilter()) == 0
    assert list(chain.from_iterable(log.phrases())) == []


def test_asking_for_nothing_gives_nothing(log: EventLog) -> None:
    append(log, [bought("m1")])

    assert log.find([]) == {}
    assert _history(log) == []
    assert log.heads_of([]) == {}
    assert _last(log, {}, 50) == []
    assert list(chain.from_iterable(log.of_products([]))) == []
    assert set(log.users_of_products([])) == set()


def test_appending_nothing_changes_nothing(log: EventLog) -> None:
    assert list(append(log, [])) == []
    assert (log.count(), log.user_count()) == (0, 0)


def test_positions_count_up_from_one_for_each_user(log: EventLog) -> None:
    first = append(log, [searched("m1", user_id="ann"), searched("m2", user_id="bob"), searched("m3", user_id="ann")])
    second = append(log, [searched("m4", user_id="bob"), searched("m5", user_id="ann")])

    assert [(e.event.message_id, e.position) for e in [*first, *second]] == [
        ("m1", 1), ("m2", 1), ("m3", 2), ("m4", 2), ("m5", 3),
    ]  # fmt: skip


def test_positions_go_on_within_one_transaction(log: EventLog) -> None:
    with log.transaction() as transaction:
        first = transaction.append([searched("m1"), searched("m2")], NOW)
        second = transaction.append([searched("m3"), searched("m4", user_id="bob"), searched("m5")], NOW)

    assert [logged.position for logged in [*first, *second]] == [1, 2, 3, 1, 4]
    assert [logged.position for logged in _history(log, "ann")] == [1, 2, 3, 4]
    assert log.heads_of(["ann", "bob"]) == {"ann": 4, "bob": 1}


def test_every_field_of_an_interaction_comes_back(log: EventLog) -> None:
    event = interaction(
        "m1",
        EventType.CLICK,
        "tea",
        occurred_at=datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC),
        user_session="session-1",
        properties={
            "price": 0.1,
            "big": 2**80,
            "float": 1.0,
            "tags": ["é", "🧁", None, True, {}],
            "nul": "\x00",
            "empty": "",
        },
    )
    append(log, [event], NOW + timedelta(microseconds=123_457))

    [found] = _history(log, "ann")
    assert found.event == event
    assert found.recorded_at == NOW + timedelta(microseconds=123_457)
    assert found == log.find(["m1"])["m1"]


def test_every_field_of_a_retraction_comes_back(log: EventLog) -> None:
    event = retraction(
        "m2", "m1", occurred_at=NOW + timedelta(microseconds=1), user_session="s", properties={"why": "late"}
    )
    append(log, [bought("m1"), event])

    assert log.find(["m2"])["m2"].event == event


@pytest.mark.parametrize("event_type", [EventType.VIEW, EventType.CLICK, EventType.PURCHASE])
def test_every_event_type_comes_back(log: EventLog, event_type: EventType) -> None:
    append(log, [interaction("m1", event_type, "tea")])

    assert log.find(["m1"])["m1"].event == interaction("m1", event_type, "tea")


def test_a_time_with_another_offset_comes_back_as_the_same_moment_in_utc(log: EventLog) -> None:
    local = datetime(2026, 1, 31, 23, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))
    append(log, [searched("m1", occurred_at=local)])

    assert log.find(["m1"])["m1"].event.occurred_at == local


@pytest.mark.parametrize("microsecond", [0, 1, 500_000, 999_999])
def test_microseconds_are_kept(log: EventLog, microsecond: int) -> None:
    append(log, [searched("m1", occurred_at=NOW.replace(microsecond=microsecond))])

    assert log.find(["m1"])["m1"].event.occurred_at == NOW.replace(microsecond=microsecond)


@pytest.mark.parametrize("properties", [None, {}, {"a": {"b": [1, 1.5, "x"]}}])
def test_no_properties_and_empty_ones_are_told_apart(log: EventLog, properties: dict[str, object] | None) -> None:
    append(log, [searched("m1", properties=properties)])

    assert log.find(["m1"])["m1"].event.properties == properties


def test_ids_are_compared_byte_by_byte(log: EventLog) -> None:
    events = [bought(f"m-{text}", text, text) for text in ODD_TEXTS]
    append(log, events)

    assert log.user_count() == len(ODD_TEXTS)
    assert log.heads_of(ODD_TEXTS) == dict.fromkeys(ODD_TEXTS, 1)
    assert log.product_counts() == dict.fromkeys(ODD_TEXTS, 1)
    for event in events:
        assert [found.event for found in _history(log, event.user_id)] == [event]
        assert set(log.users_of_products([event.user_id])) == {event.user_id}
        assert log.find([event.message_id])[event.message_id].event == event
    assert log.heads_of(["Abc", "abc  ", "ab", "a\x00"]) == {}


@pytest.mark.parametrize("phrase", [*ODD_TEXTS, "🧁" * 1_000, "ق" * 1_000], ids=ascii)
def test_phrases_come_back_as_they_were_typed(log: EventLog, phrase: str) -> None:
    append(log, [searched("m1", search_phrase=phrase)])

    [found] = _history(log, "ann")
    assert found.event == searched("m1", search_phrase=phrase)


def test_ids_of_the_longest_kind_are_told_apart(log: EventLog) -> None:
    longest, other = "🧁" * 128, "🧁" * 127 + "x"
    append(log, [bought(longest, longest, longest, user_session=longest)])

    assert log.find([longest])[longest].event.user_id == longest
    assert log.find([other]) == {}
    assert log.heads_of([longest, other]) == {longest: 1}


def test_history_says_by_what_an_event_was_retracted(log: EventLog) -> None:
    append(log, [bought("m1"), bought("m2"), retraction("m3", "m1")])

    assert [(e.position, e.retracted_by) for e in _history(log, "ann")] == [(1, 3), (2, None), (3, None)]


def test_history_keeps_the_events_of_a_user_together_and_in_order(log: EventLog) -> None:
    users = ("bob", "ann", "eve")
    append(log, [searched(f"{user}-{n}", user_id=user) for n in range(5) for user in users])
    append(log, [searched(f"{user}-{n}", user_id=user) for n in range(5, 9) for user in reversed(users)])

    runs = {user: list(events) for user, events in groupby(_history(log, "eve", "ann"), lambda e: e.event.user_id)}
    assert set(runs) == {"ann", "eve"}
    for user, events in runs.items():
        assert [(e.event.message_id, e.position) for e in events] == [(f"{user}-{n}", n + 1) for n in range(9)]


def test_a_long_history_comes_in_pages_of_bounded_size(log: EventLog) -> None:
    append(
        log,
        [searched(f"a{n}", user_id="ann") for n in range(5_000)]
        + [searched(f"b{n}", user_id="bob") for n in range(1_500)],
    )
    append(log, [retraction("r1", "a0"), retraction("r2", "a4999")])

    pages = list(log.history(["ann", "bob"]))

    events = list(chain.from_iterable(pages))
    assert max(map(len, pages)) <= 2_000
    assert [e.position for e in events if e.event.user_id == "ann"] == list(range(1, 5_003))
    assert [e.position for e in events if e.event.user_id == "bob"] == list(range(1, 1_501))
    assert [(e.position, e.retracted_by) for e in events if e.retracted_by] == [(1, 5_001), (5_000, 5_002)]


def test_history_is_of_one_moment_whatever_is_appended_while_it_is_read(log: EventLog) -> None:
    append(log, [searched(f"a{n}", user_id="ann") for n in range(4_500)] + [searched("b0", user_id="bob")])
    pages = log.history(["ann", "bob"])
    first = next(pages)

    append(
        log,
        [searched("a-late", user_id="ann"), searched("b-late", user_id="bob"), retraction("r", "b0", user_id="bob")],
    )

    events = [*first, *chain.from_iterable(pages)]
    assert len(events) == 4_501
    assert all(e.retracted_by is None for e in events)


def test_history_is_of_one_moment_also_where_there_are_more_users_than_a_statement_takes(log: EventLog) -> None:
    append(log, [searched("m1", user_id="u00001"), searched("m2", user_id="u39999")])
    pages = log.history([f"u{n:05d}" for n in range(40_000)])
    first = next(pages)

    append(log, [searched("late", user_id="u39999")])

    assert [e.event.message_id for e in chain(first, *pages)] == ["m1", "m2"]


def test_a_reader_may_stop_in_the_middle_of_a_history(log: EventLog) -> None:
    append(log, [searched(f"a{n}") for n in range(4_500)])
    pages = log.history(["ann"])
    next(pages)
    del pages

    append(log, [searched("later")])
    assert log.heads_of(["ann"]) == {"ann": 4_501}


def test_heads_come_page_by_page_each_user_once(log: EventLog) -> None:
    append(log, [searched(f"{user}-{n}", user_id=user) for user in ODD_TEXTS for n in range(3)])

    pages = [log.heads(None, 2)]
    for _ in ODD_TEXTS:
        pages.append(log.heads(pages[-1][-1][0], 2) if pages[-1] else [])

    assert max(map(len, pages)) == 2
    assert sorted(chain.from_iterable(pages)) == [(user, 3) for user in sorted(ODD_TEXTS)]


def test_the_last_events_are_counted_from_the_given_position_of_each_user(log: EventLog) -> None:
    append(log, [searched(f"{user}-{n}", user_id=user) for n in range(1, 8) for user in ("ann", "bob", "eve", "joe")])

    found = _last(log, {"ann": 7, "bob": 4, "eve": 2, "joe": 0, "unheard of": 7}, 3)

    assert [e.event.message_id for e in found] == [
        "ann-5", "ann-6", "ann-7", "bob-2", "bob-3", "bob-4", "eve-1", "eve-2",
    ]  # fmt: skip


def test_the_last_events_up_to_a_position_beyond_the_head_are_those_that_are_there(log: EventLog) -> None:
    append(log, [searched(f"m{n}") for n in range(1, 5)])

    assert [e.position for e in _last(log, {"ann": 6}, 5)] == [2, 3, 4]
    assert _last(log, {"ann": 9}, 5) == []


def test_the_last_events_come_whole_and_say_by_what_they_were_retracted(log: EventLog) -> None:
    append(log, [bought("m1"), searched("m2"), bought("m3"), retraction("m4", "m3"), retraction("m5", "m2")])

    found = _last(log, {"ann": 4}, 3)

    assert found == _history(log, "ann")[1:4]
    assert [(e.position, e.retracted_by) for e in found] == [(2, 5), (3, 4), (4, None)]


def test_the_last_events_are_of_users_whose_ids_are_equal_byte_by_byte(log: EventLog) -> None:
    append(log, [searched(f"{user}-{n}", user_id=user) for user in ODD_TEXTS for n in range(2)])

    for user in ODD_TEXTS:
        assert [e.event.message_id for e in _last(log, {user: 2}, 2)] == [f"{user}-0", f"{user}-1"]
    assert [e.event.message_id for e in _last(log, dict.fromkeys(ODD_TEXTS, 2), 1)] == [
        f"{user}-1" for user in sorted(ODD_TEXTS)
    ]
    assert _last(log, dict.fromkeys(["Abc", "abc  ", "ab", "a\x00"], 2), 2) == []


def test_the_last_events_of_many_users_come_in_pages_of_bounded_size(log: EventLog) -> None:
    users = [f"u{n:03d}" for n in range(350)]
    append(log, [searched(f"{user}-{n}", user_id=user) for user in users for n in range(1, 31)])

    pages = list(log.last_events(dict.fromkeys(users, 29), 25))

    assert max(map(len, pages)) <= 2_000
    assert sorted((e.event.user_id, e.position) for e in chain.from_iterable(pages)) == [
        (user, position) for user in users for position in range(5, 30)
    ]


def test_the_last_purchases_are_the_products_bought_each_once_the_last_one_first(log: EventLog) -> None:
    append(log, [bought("m1", "tea", age_days=3), bought("m2", "cup", age_days=5), bought("m3", "bag", age_days=1)])
    append(log, [bought("m4", "cup", age_days=2), bought("m5", "hat", "bob"), viewed("m6", "pot"), searched("m7")])

    assert log.last_purchases("ann") == ["bag", "cup", "tea"]
    assert log.last_purchases("unheard of") == []


def test_of_purchases_at_one_moment_the_last_recorded_comes_first(log: EventLog) -> None:
    append(log, [bought(f"m{product}", product) for product in ("tea", "cup", "bag")])

    assert log.last_purchases("ann") == ["bag", "cup", "tea"]


def test_what_was_taken_back_is_no_purchase_unless_it_was_bought_again(log: EventLog) -> None:
    append(log, [bought("m1", "tea", age_days=1), bought("m2", "tea", age_days=9), bought("m3", "cup", age_days=5)])

    append(log, [retraction("m4", "m1")])
    assert log.last_purchases("ann") == ["cup", "tea"]

    append(log, [retraction("m5", "m2")])
    assert log.last_purchases("ann") == ["cup"]


def test_purchases_are_of_the_user_whose_id_is_equal_byte_by_byte(log: EventLog) -> None:
    append(log, [bought(f"m{at}", f"product {at}", user) for at, user in enumerate(ODD_TEXTS)])

    assert [log.last_purchases(user) for user in ODD_TEXTS] == [[f"product {at}"] for at in range(len(ODD_TEXTS))]


def test_events_and_users_are_found_by_product(log: EventLog) -> None:
    append(log, [bought("m1", "tea", "ann"), bought("m2", "cup", "bob")])
    append(log, [bought("m3", "tea", "eve"), bought("m4", "bag", "eve"), searched("m5")])

    found = chain.from_iterable(log.of_products(["tea", "cup", "unheard of"]))
    assert sorted(e.event.message_id for e in found) == ["m1", "m2", "m3"]
    assert set(log.users_of_products(["tea", "unheard of"])) == {"ann", "eve"}


_LOGGED = [
    bought("m1", "tea", "ann", age_days=4),
    bought("m2", "cup", "ann", age_days=3),
    bought("m3", "tea", "bob", age_days=2),
    searched("m4", "green tea", "ann", age_days=1),
    retraction("m5", "m1", "ann", occurred_at=NOW),
]
_FILTERS = [
    (LogFilter(), ["m1", "m2", "m3", "m4", "m5"]),
    (LogFilter(user_id="ann"), ["m1", "m2", "m4", "m5"]),
    (LogFilter(product_id="tea"), ["m1", "m3"]),
    (LogFilter(user_id="ann", product_id="tea"), ["m1"]),
    (LogFilter(occurred_from=days_ago(3)), ["m2", "m3", "m4", "m5"]),
    (LogFilter(occurred_before=days_ago(3)), ["m1"]),
    (LogFilter(occurred_from=days_ago(3), occurred_before=NOW), ["m2", "m3", "m4"]),
    (LogFilter(occurred_from=days_ago(3), product_id="tea"), ["m3"]),
    (LogFilter(occurred_before=days_ago(2), user_id="ann"), ["m1", "m2"]),
    (LogFilter(user_id="Ann"), []),
    (LogFilter(product_id="tea "), []),
    (LogFilter(occurred_from=NOW + timedelta(microseconds=1)), []),
]


@pytest.mark.parametrize(
    ("events", "expected"),
    _FILTERS,
    ids=lambda value: str(sorted(value)) if isinstance(value, set | frozenset) else str(value),
)
def test_a_filter_means_the_events_that_match_everything_given(
    log: EventLog, events: LogFilter, expected: list[str]
) -> None:
    logged = append(log, _LOGGED)

    found = list(chain.from_iterable(log.matching(events)))

    assert sorted(found, key=lambda e: e.event.message_id) == [e for e in logged if e.event.message_id in expected]
    assert log.count_matching(events) == len(expected)


@pytest.mark.parametrize(
    "events",
    [LogFilter(), LogFilter(user_id="ann"), LogFilter(product_id="tea"), LogFilter(occurred_from=days_ago(1))],
    ids=["all", "of a user", "of a product", "since"],
)
def test_many_that_match_come_in_pages_each_once(log: EventLog, events: LogFilter) -> None:
    # Two in three at the same moment, so that a page ends between them.
    append(log, [bought(f"m{n}", age_days=(n % 3 == 0) / 2) for n in range(4_500)])

    pages = list(log.matching(events))

    assert max(map(len, pages)) <= 2_000
    assert sorted(e.event.message_id for e in chain.from_iterable(pages)) == sorted(f"m{n}" for n in range(4_500))


def test_a_reader_may_stop_in_the_middle_of_what_matches_and_record(log: EventLog) -> None:
    append(log, [searched(f"m{n}") for n in range(2_500)])
    pages = log.matching(LogFilter(user_id="ann"))
    next(pages)

    append(log, [searched("later")])
    del pages

    assert log.count() == 2_501


def test_phrases_are_those_of_all_interactions_as_they_were_sent(log: EventLog) -> None:
    append(log, [searched("m1", "Green  Tea"), searched("m2", "green tea", "bob"), bought("m3")])
    append(log, [searched(f"n{n}", f"phrase {n}") for n in range(2_500)])
    append(log, [searched("m4", "Green  Tea"), retraction("m5", "m1")])

    pages = list(log.phrases())

    assert max(map(len, pages)) <= 2_000
    assert set(chain.from_iterable(pages)) == {"Green  Tea", "green tea"} | {f"phrase {n}" for n in range(2_500)}


def test_product_counts_leave_out_what_is_retracted(log: EventLog) -> None:
    append(log, [bought("m1"), bought("m2"), bought("m3", "cup"), searched("m4")])
    append(log, [retraction("m5", "m1"), retraction("m6", "m3")])

    assert log.product_counts() == {"tea": 1}


def test_counts_are_of_events_and_of_users(log: EventLog) -> None:
    append(log, [bought("m1"), retraction("m2", "m1"), searched("m3", user_id="bob")])

    assert (log.count(), log.user_count()) == (3, 2)


def test_a_list_longer_than_a_statement_takes_is_no_limit(log: EventLog) -> None:
    append(log, [searched("m1", user_id="u00001"), searched("m2", user_id="u39999")])
    many = [f"u{n:05d}" for n in range(40_000)]

    assert log.heads_of(many) == {"u00001": 1, "u39999": 1}
    assert [e.event.message_id for e in _history(log, *many)] == ["m1", "m2"]


def test_interactions_are_counted_by_product_type_and_day(log: EventLog) -> None:
    append(
        log,
        [
            viewed("m1", "tea", age_days=0.0),
            viewed("m2", "tea", "bob", age_days=0.25),
            bought("m3", "tea"),
            viewed("m4", "tea", age_days=1.0),
            viewed("m5", "TEA"),
            searched("m6"),
            viewed("m7", "tea", age_days=3.0),
        ],
    )

    counts = {(c.product_id, str(c.event_type), str(c.day)): c.events for c in log.daily_counts(days_ago(2))}

    assert counts == {
        ("tea", "view", "2026-03-01"): 2,
        ("tea", "purchase", "2026-03-01"): 1,
        ("tea", "view", "2026-02-28"): 1,
        ("TEA", "view", "2026-03-01"): 1,
    }


def test_what_was_taken_back_is_not_counted(log: EventLog) -> None:
    append(log, [viewed("m1"), viewed("m2")])
    append(log, [retraction("m3", "m1")])

    assert [count.events for count in log.daily_counts(days_ago(1))] == [1]


def test_counts_begin_at_the_very_moment(log: EventLog) -> None:
    append(log, [viewed("m1", age_days=1.0)])

    assert len(log.daily_counts(days_ago(1))) == 1
    assert list(log.daily_counts(days_ago(1) + timedelta(microseconds=1))) == []
