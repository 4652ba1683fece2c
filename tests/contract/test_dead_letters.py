"""What every keeper of dead letters promises."""

from datetime import timedelta
from typing import Any

import pytest

from application.ports.dead_letters import DeadLetter, DeadLetters
from tests.builders import NOW, ODD_TEXTS

HOUR = timedelta(hours=1)


def _letter(message_id: str = "m1", **fields: Any) -> DeadLetter:
    defaults: dict[str, Any] = {
        "user_id": "ann",
        "queue": "updates",
        "body": '{"message_id": "m1"}',
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
        body='{"search_phrase": "🧁\\u0000"}' + "x" * 20_000,
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
    assert set(dead_letters.among(["m1"])) == {"m1"}


def test_the_dead_are_told_from_the_living(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter("m1"), _letter("m2")])

    assert set(dead_letters.among(["m1", "m3"])) == {"m1"}
    assert set(dead_letters.among([])) == set()


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_message_ids_are_compared_byte_by_byte(dead_letters: DeadLetters, text: str) -> None:
    dead_letters.add([_letter(other) for other in ODD_TEXTS if other != text])

    assert set(dead_letters.among(ODD_TEXTS)) == set(ODD_TEXTS) - {text}


def test_removing_what_is_not_there_is_no_error(dead_letters: DeadLetters) -> None:
    dead_letters.add([_letter("m1"), _letter("m2")])

    dead_letters.remove("updates", ["m1", "m3"])
    dead_letters.remove("updates", ["m1"])
    dead_letters.remove("updates", [])

    assert [letter.message_id for letter in dead_letters.list(10)] == ["m2"]


def test_nothing_is_dead_at_first(dead_letters: DeadLetters) -> None:
    dead_letters.add([])

    assert (dead_letters.count(), list(dead_letters.list(10))) == (0, [])
