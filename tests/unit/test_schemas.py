"""The schemas say what the parser accepts, neither more nor less, and what is published."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from application.event_message import FIELDS, as_message, parse_event
from application.json_object import object_of
from application.schemas import EVENT, LOGGED_EVENT
from domain.errors import InvalidValueError
from domain.interaction import Event, EventType
from tests.builders import NOW, ODD_TEXTS, retraction, searched, viewed

WHOLE = 2**53
COMMON = {"message_id": "m1", "user_id": "ann", "occurred_at": "2026-01-31T12:00:00Z", "user_session": 7}
GOOD = (
    {**COMMON, "event_type": "view", "product_id": 7, "properties": {"price": 1.5}},
    {**COMMON, "event_type": "search", "search_phrase": "red teapot", "product_id": None},
    {**COMMON, "retracts": "m0"},
)
FIRST, LAST = datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01")
SENT = Draft202012Validator(EVENT)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-WHOLE, WHOLE),
    st.floats(-WHOLE, WHOLE),
    texts,
    st.sampled_from(ODD_TEXTS),
    st.sampled_from(["", " ", "\x1f", "\x85", "\u3000", "\ufeff", "x" * 128, "x" * 129, "x" * 1_000, "x" * 1_001]),
    st.sampled_from([10**128 - 1, 10**128, 1 - 10**127, -(10**127), 7.0, -0.0, 7.5]),
    st.lists(texts, max_size=1),
    st.dictionaries(texts, texts, max_size=1),
)
times = st.one_of(
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)).map(datetime.isoformat),
    st.sampled_from(
        [
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00.5z",
            "2026-01-31T12:00:00.123456789-05:30",
            "2026-01-31T12:00:60Z",
            "2026-01-31T24:00:00Z",
            "2026-13-31T12:00:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T12:00:00+24:00",
            "2026-W05-6T12:00:00Z",
            "20260131T120000Z",
            "٢026-01-31T12:00:00Z",
        ]
    ),
)
kinds = st.sampled_from([*EventType, "gaze"])
values = {"event_type": kinds | odd, "occurred_at": times | odd}
changes = st.sampled_from([*FIELDS, "colour"]).flatmap(lambda name: st.tuples(st.just(name), values.get(name, odd)))
messages = st.builds(
    lambda good, changed, gone: {**{name: good[name] for name in good if name not in gone}, **dict(changed)},
    st.sampled_from(GOOD),
    st.lists(changes, max_size=2),
    st.sets(st.sampled_from(FIELDS), max_size=1),
)
"""Good events of which up to three fields are others or gone."""


def parsed(message: dict[str, Any]) -> Event | None:
    """The event of a message, as the parser takes it out of JSON; None where it does not."""
    try:
        return parse_event(object_of(json.dumps(message).encode()), now=NOW, message_id="given").event
    except InvalidValueError:
        return None


@given(messages)
@example({"user_id": 7.0, "event_type": "view", "product_id": -0.0})
@example({"user_id": "ann", "retracts": "m1", "event_type": None, "product_id": None, "search_phrase": None})
@example({"user_id": "ann", "retracts": "m1", "colour": None})
def test_the_schema_takes_what_the_parser_takes_and_nothing_else(message: dict[str, Any]) -> None:
    assert SENT.is_valid(message) == (parsed(message) is not None)


@pytest.mark.parametrize("number", [7.0, 2.0**53, -1e15])
def test_a_whole_number_is_an_id_however_it_is_written(number: float) -> None:
    event = parsed({"user_id": number, "event_type": "view", "product_id": "tea"})

    assert event is not None
    assert event.user_id == str(int(number))


@pytest.mark.parametrize("number", [7.5, 2.0**53 + 2, 1e30, -1e300])
def test_a_float_that_is_not_whole_or_may_have_lost_digits_is_no_id(number: float) -> None:
    assert parsed({"user_id": number, "event_type": "view", "product_id": "tea"}) is None


@given(messages)
def test_what_is_published_is_what_its_schema_says(message: dict[str, Any]) -> None:
    event = parsed(message)
    if event is None:
        return  # more than half of them: too many for `assume`

    sent = json.loads(json.dumps(as_message(event)))

    [kind] = [kind for kind in LOGGED_EVENT["anyOf"] if Draft202012Validator(kind).is_valid(sent)]
    assert set(sent) <= set(kind["properties"])


@pytest.mark.parametrize(
    "event", [viewed("m1"), searched("m2"), retraction("m3", "m1")], ids=["view", "search", "back"]
)
@pytest.mark.parametrize("field", ["message_id", "user_id", "occurred_at"])
def test_what_is_published_without_a_field_that_it_needs_is_found(event: Event, field: str) -> None:
    published = Draft202012Validator(LOGGED_EVENT)

    assert published.is_valid(as_message(event))
    assert not published.is_valid({name: value for name, value in as_message(event).items() if name != field})
