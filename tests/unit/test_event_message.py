from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from application.event_message import Submission, as_message, parse_event
from domain.errors import InvalidValueError
from domain.interaction import EventType
from tests.builders import NOW, bought, retraction, searched

VIEW: dict[str, Any] = {
    "message_id": "m1",
    "user_id": "ann",
    "event_type": "view",
    "product_id": "tea",
    "occurred_at": "2026-01-31T12:00:00Z",
}
SEARCH: dict[str, Any] = {**VIEW, "event_type": "search", "product_id": None, "search_phrase": "green tea"}
RETRACTION: dict[str, Any] = {**VIEW, "event_type": None, "product_id": None, "retracts": "m0"}

BAD = [
    (VIEW, "event_type", "buy", "search, view, click, purchase"),
    (VIEW, "event_type", None, "search, view, click, purchase"),
    (VIEW, "event_type", ["view"], "search, view, click, purchase"),
    (VIEW, "product_id", None, "needs a product"),
    (VIEW, "product_id", "", "1 to 128"),
    (VIEW, "search_phrase", "green tea", "only a search has one"),
    (SEARCH, "search_phrase", None, "needs the words"),
    (SEARCH, "search_phrase", 7, "send the words"),
    (SEARCH, "search_phrase", "x" * 1_001, "at most 1000"),
    (SEARCH, "search_phrase", "a\ud800", "valid Unicode"),
    (SEARCH, "product_id", "tea", "not both"),
    (VIEW, "user_id", None, "every event needs one"),
    (VIEW, "user_id", "", "1 to 128"),
    (VIEW, "user_id", "x" * 129, "1 to 128"),
    (VIEW, "user_id", True, "a string or an integer"),
    (VIEW, "user_id", 1.5, "a string or an integer"),
    (VIEW, "user_id", "a\udfff", "valid Unicode"),
    (VIEW, "message_id", None, "every event needs one"),
    (VIEW, "message_id", {}, "a string or an integer"),
    (VIEW, "user_session", "", "1 to 128"),
    (VIEW, "properties", "red", "a JSON object"),
    (VIEW, "properties", {"price": float("nan")}, "numbers, strings"),
    (VIEW, "properties", {"note": "a\ud800"}, "numbers, strings"),
    (VIEW, "properties", {"note": "x" * 17_000}, "at most 16384"),
    (VIEW, "colour", "red", "the fields are message_id, user_id"),
    (VIEW, "occurred_at", None, "RFC 3339"),
    (VIEW, "occurred_at", 1_769_860_800, "RFC 3339"),
    (VIEW, "occurred_at", "yesterday", "RFC 3339"),
    (VIEW, "occurred_at", "", "RFC 3339"),
    (VIEW, "occurred_at", "2026-01-31T12:00:00", "RFC 3339"),
    (VIEW, "occurred_at", "2026-01-31", "RFC 3339"),
    (VIEW, "occurred_at", "2026-02-30T12:00:00Z", "RFC 3339"),
    (VIEW, "occurred_at", "20260131T120000Z", "RFC 3339"),
    (VIEW, "occurred_at", "2026-01-31T12:00Z", "RFC 3339"),
    (VIEW, "occurred_at", "2026-01-31T12:00:00,5Z", "RFC 3339"),
    (VIEW, "occurred_at", "2026-W05-6T12:00:00Z", "RFC 3339"),
    (VIEW, "occurred_at", "0001-01-01T00:00:00+14:00", "RFC 3339"),
    (VIEW, "occurred_at", "9999-12-31T23:59:59-14:00", "RFC 3339"),
    (RETRACTION, "retracts", "", "1 to 128"),
    (RETRACTION, "event_type", "view", "send retracts alone"),
    (RETRACTION, "product_id", "tea", "send retracts alone"),
    (RETRACTION, "search_phrase", "green tea", "send retracts alone"),
]


@pytest.mark.parametrize(("good", "field", "value", "remedy"), BAD, ids=lambda value: ascii(value)[:30])
def test_a_malformed_message_is_refused_with_field_and_remedy(
    good: dict[str, Any], field: str, value: object, remedy: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_event({**good, field: value})

    assert caught.value.field == field
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("message", [VIEW, SEARCH, RETRACTION], ids=["interaction", "search", "retraction"])
def test_a_good_message_is_taken(message: dict[str, Any]) -> None:
    submission = parse_event({**message, "user_session": "s1", "properties": {"price": 1.5}})

    assert submission.time_given
    assert submission.event.occurred_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (submission.event.user_session, submission.event.properties) == ("s1", {"price": 1.5})


@pytest.mark.parametrize("field", ["message_id", "user_id", "product_id", "user_session"])
def test_an_integer_id_equals_its_decimal_string(field: str) -> None:
    assert parse_event({**VIEW, field: 42}) == parse_event({**VIEW, field: "42"})


def test_a_phrase_of_a_thousand_characters_is_taken() -> None:
    assert len(parse_event({**SEARCH, "search_phrase": "x" * 1_000}).event.search_phrase) == 1_000


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31t12:00:00.5z", datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31 12:00:00-05:30", datetime(2026, 1, 31, 17, 30, tzinfo=UTC)),
        ("1900-01-01T00:00:00+00:00", datetime(1900, 1, 1, tzinfo=UTC)),
    ],
)
def test_every_spelling_of_rfc_3339_is_taken(text: str, instant: datetime) -> None:
    assert parse_event({**VIEW, "occurred_at": text}).event.occurred_at == instant


def test_what_the_message_leaves_out_is_filled_in_where_it_may_be() -> None:
    short = {name: value for name, value in VIEW.items() if name not in ("message_id", "occurred_at")}

    assert parse_event(short, now=NOW, message_id="given") == Submission(
        event=parse_event({**VIEW, "message_id": "given", "occurred_at": NOW.isoformat()}).event, time_given=False
    )


@pytest.mark.parametrize(
    "event",
    [
        bought("m1", occurred_at=datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=-5)))),
        searched("m2", properties={"a": [1, None]}, user_session="s1"),
        retraction("m3", "m1"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_comes_back_from_its_message(event: Any) -> None:
    assert parse_event(as_message(event)).event == event


def test_each_event_type_has_its_name() -> None:
    assert [parse_event({**VIEW, "event_type": name}).event.event_type for name in ("view", "click", "purchase")] == [
        EventType.VIEW,
        EventType.CLICK,
        EventType.PURCHASE,
    ]
