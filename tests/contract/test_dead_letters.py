"""What every keeper of dead letters promises."""

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from application.ports.dead_letters import DeadLetter, DeadLetterFilter, DeadLetters
from tests.builders import NOW, ODD_TEXTS

HOUR = timedelta(hours=1)


def _letter(message_id: str = "m1", **fields: Any) -> DeadLetter:
    defaults: dict[str, Any] = {
        "user_id": "ann",
        "queue": "updates",
        "body": b'{"message_id": "m1"}',
        "error_type": "PermanentError",
        "error_text": "It never works.",
        "attempts": 1,
        "first_failed_at": NOW,
        "last_failed_at": NOW,
    }
    return DeadLetter(message_id=message_id, **(defaults | fields))


def test_a_letter_comes_back_whole(dead_letters: DeadLetters) -> None:
    letter = _letter(
        "🧁" * 128,
        user_id="قميص",
        body='{"search_phrase": "🧁"}'.encode() + bytes(range(256)) * 100,
        error_text="Ça ne va pas.\n" * 100,
        attempts=6,
        first_failed_at=NOW + timedelta(microseconds=1),
        last_failed_at=NOW + timedelta(microseconds=999_999),
    )

    dead_letters.add([letter])

    assert list(dead_letters.list(10)) == [letter]


def test_the_newest_come_first_and_no_more_than_asked_for(dead_letters: DeadLetters) -> None:
    for hours, message_id in ((2, "m1"), (3, "m2"), (1, "m3")):
        dead_letters.add([_letter(message_id, last_failed_at=NOW + hours * HOUR)])

    assert [letter.message_id for letter in dead_letters.list(2)] == ["m2", "m1"]
    assert dead_letters.count() == 3


def test_a_letter_that_is_there_takes_the_new_reason_and_time(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter(error_text="first"), _letter("m2")])
    again = _letter(error_type="TransientError", error_text="second", attempts=6, last_failed_at=NOW + HOUR)

    dead_letters.add([again])

    assert list(dead_letters.list(10)) == [again, _letter("m2")]


def test_of_one_letter_twice_in_a_call_the_last_stays(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter(error_text="first"), _letter(error_text="second")])

    assert [letter.error_text for letter in dead_letters.list(10)] == ["second"]


def test_one_message_may_be_dead_in_two_queues(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter(queue="updates"), _letter(queue="events.neo4j", last_failed_at=NOW + HOUR)])

    dead_letters.remove("updates", ["m1"])

    assert [letter.queue for letter in dead_letters.list(10)] == ["events.neo4j"]
    assert set(dead_letters.among(["m1"], ["events.neo4j", "updates"])) == {"m1"}
    assert set(dead_letters.among(["m1"], ["updates"])) == set()


def test_the_dead_are_told_from_the_living(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter("m1"), _letter("m2")])

    assert set(dead_letters.among(["m1", "m3"], ["updates"])) == {"m1"}
    assert set(dead_letters.among([], ["updates"])) == set()


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_message_ids_are_compared_byte_by_byte(dead_letters: DeadLetters, text: str) -> None:
    dead_letters.add([_letter(other) for other in ODD_TEXTS if other != text])

    assert set(dead_letters.among(ODD_TEXTS, ["updates"])) == set(ODD_TEXTS) - {text}


def test_removing_what_is_not_there_is_no_error(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter("m1"), _letter("m2")])

    dead_letters.remove("updates", ["m1", "m3"])
    dead_letters.remove("updates", ["m1"])
    dead_letters.remove("updates", [])

    assert [letter.message_id for letter in dead_letters.list(10)] == ["m2"]


def test_a_letter_may_name_nobody(dead_letters: DeadLetters) -> None:
    letter = _letter("body-1", user_id=None, body=b"\xff\xfe no JSON")

    dead_letters.add([letter, _letter("m2")])

    assert letter in dead_letters.list(10)
    assert dead_letters.count(DeadLetterFilter(user_id="ann")) == 1


def test_a_body_of_ten_megabytes_comes_back_whole(dead_letters: DeadLetters) -> None:
    body = bytes(range(256)) * 40_000 + b"the end"

    dead_letters.add([_letter("m1", body=body), _letter("m2")])

    assert [letter.body for letter in dead_letters.list(10, DeadLetterFilter(message_id="m1"))] == [body]
    assert dead_letters.count() == 2


_OF_MANY = {
    "m1": {},
    "m2": {"queue": "events.neo4j", "last_failed_at": NOW + HOUR},
    "m3": {"user_id": "bob", "last_failed_at": NOW + 2 * HOUR},
    "m4": {"error_type": "TransientError", "user_id": None},
    "M1": {"user_id": "Ann", "last_failed_at": NOW - timedelta(microseconds=1)},
}
_FILTERS = [
    (DeadLetterFilter(), {"m1", "m2", "m3", "m4", "M1"}),
    (DeadLetterFilter(message_id="m1"), {"m1"}),
    (DeadLetterFilter(queue="updates"), {"m1", "m3", "m4", "M1"}),
    (DeadLetterFilter(user_id="ann"), {"m1", "m2"}),
    (DeadLetterFilter(error_type="TransientError"), {"m4"}),
    (DeadLetterFilter(failed_before=NOW), {"M1"}),
    (DeadLetterFilter(failed_before=NOW + HOUR, queue="updates", user_id="ann"), {"m1"}),
    (DeadLetterFilter(queue="nowhere"), set()),
]


@pytest.mark.parametrize(
    ("matching", "expected"),
    _FILTERS,
    ids=lambda value: str(sorted(value)) if isinstance(value, set | frozenset) else str(value),
)
def test_a_filter_means_the_letters_that_match_everything_given(
    dead_letters: DeadLetters, matching: DeadLetterFilter, expected: set[str]
) -> None:
    dead_letters.add([_letter(message_id, **fields) for message_id, fields in _OF_MANY.items()])

    assert {letter.message_id for letter in dead_letters.list(10, matching)} == expected
    assert {letter.message_id for letter in chain.from_iterable(dead_letters.pages(matching, 2))} == expected
    assert dead_letters.count(matching) == len(expected)
    assert dead_letters.purge(matching) == len(expected)
    assert {letter.message_id for letter in dead_letters.list(10)} == set(_OF_MANY) - expected


def test_pages_are_no_longer_than_asked_for_and_hold_each_letter_once(dead_letters: DeadLetters) -> None:
    letters = [_letter(f"m{n}", queue=queue) for n in range(5) for queue in ("updates", "events.neo4j")]
    dead_letters.add(letters)

    pages = list(dead_letters.pages(DeadLetterFilter(), 3))

    assert max(map(len, pages)) == 3
    assert sorted((letter.queue, letter.message_id) for letter in chain.from_iterable(pages)) == sorted(
        (letter.queue, letter.message_id) for letter in letters
    )


def test_what_is_removed_page_by_page_is_all_there_was(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter(f"m{n}") for n in range(7)])

    seen = []
    for page in dead_letters.pages(DeadLetterFilter(), 2):
        seen += [letter.message_id for letter in page]
        dead_letters.remove("updates", [letter.message_id for letter in page])

    assert sorted(seen) == [f"m{n}" for n in range(7)]
    assert dead_letters.count() == 0


def test_nothing_is_dead_at_first(dead_letters: DeadLetters) -> None:
    dead_letters.add([])

    assert (dead_letters.count(), list(dead_letters.list(10))) == (0, [])


def test_they_are_counted_by_queue(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter("m1", queue="q1"), _letter("m2", queue="q1"), _letter("m1", queue="q2")])

    assert dead_letters.counts() == {"q1": 2, "q2": 1}


def test_where_there_are_none_no_queue_is_counted(dead_letters: DeadLetters) -> None:
    assert dead_letters.counts() == {}
