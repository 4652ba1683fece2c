from datetime import datetime
from typing import Any

import pytest

from domain.errors import InvalidValueError
from domain.interaction import MAX_PROPERTIES_BYTES, EventType, Interaction, Retraction
from tests.builders import NOW

VIEW: dict[str, Any] = {
    "message_id": "m1",
    "user_id": "ann",
    "event_type": EventType.VIEW,
    "product_id": "tea",
    "occurred_at": NOW,
}
SEARCH: dict[str, Any] = {**VIEW, "event_type": EventType.SEARCH, "product_id": None, "search_phrase": "green tea"}
RETRACTION: dict[str, Any] = {"message_id": "m2", "user_id": "ann", "retracts": "m1", "occurred_at": NOW}

BAD_IDENTIFIERS = ("", "x" * 129, 7, "a\ud800")
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
BAD_PROPERTIES = (
    [1],
    {"n": float("nan")},
    {"n": float("inf")},
    {"n": object()},
    {"n": "a\ud800"},
    {"n": "x" * MAX_PROPERTIES_BYTES},
)


def _with_bad_common_fields(good: dict[str, Any]) -> list[tuple[dict[str, Any], str, Any]]:
    identifiers = [
        name for name in ("message_id", "user_id", "retracts", "user_session") if name in {*good, "user_session"}
    ]
    bad = [(name, value) for name in identifiers for value in BAD_IDENTIFIERS]
    bad += [("occurred_at", value) for value in (NAIVE, "2026-01-01T00:00:00Z", None)]
    bad += [("properties", value) for value in BAD_PROPERTIES]
    return [(good, name, value) for name, value in bad]


BAD_FIELDS = [
    *_with_bad_common_fields(VIEW),
    *_with_bad_common_fields(RETRACTION),
    *((VIEW, "product_id", value) for value in (None, *BAD_IDENTIFIERS)),
    (VIEW, "search_phrase", "green tea"),
    (VIEW, "event_type", "view"),
    *((SEARCH, "search_phrase", value) for value in (None, "", " \t", 7, "x" * 1_001, "a\ud800")),
    (SEARCH, "product_id", "tea"),
]


@pytest.mark.parametrize(
    ("good", "field", "value"), BAD_FIELDS, ids=lambda value: ascii(value).partition(" object at ")[0][:30]
)
def test_a_wrong_field_is_named_with_a_remedy(good: dict[str, Any], field: str, value: object) -> None:
    kind = Retraction if "retracts" in good else Interaction

    with pytest.raises(InvalidValueError) as caught:
        kind(**{**good, field: value})

    assert caught.value.field == field
    assert caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize("event_type", [EventType.VIEW, EventType.CLICK, EventType.PURCHASE])
def test_whatever_is_no_search_needs_a_product(event_type: EventType) -> None:
    assert Interaction(**{**VIEW, "event_type": event_type}).product_id == "tea"
    with pytest.raises(InvalidValueError, match=f"^product_id is missing; a {event_type} needs a product"):
        Interaction(**{**VIEW, "event_type": event_type, "product_id": None})


def test_a_phrase_of_a_thousand_characters_is_taken() -> None:
    assert Interaction(**{**SEARCH, "search_phrase": "🧁" * 1_000}).search_phrase == "🧁" * 1_000


def test_properties_are_kept_up_to_their_greatest_size() -> None:
    properties = {"n": "x" * (MAX_PROPERTIES_BYTES - len('{"n": ""}'))}

    assert Interaction(**{**VIEW, "properties": properties}).properties == properties


def test_properties_that_are_nested_without_end_are_refused() -> None:
    nested: list[Any] = []
    nested.append(nested)

    with pytest.raises(InvalidValueError, match="^properties is not JSON"):
        Interaction(**{**VIEW, "properties": {"n": nested}})
