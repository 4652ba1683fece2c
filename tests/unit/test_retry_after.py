from datetime import timedelta
from email.utils import format_datetime

import pytest

from adapters.openai.retry_after import retry_after_seconds
from tests.builders import NOW


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "-3"}, 0.0),
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_seconds_and_milliseconds_are_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


def test_a_date_is_that_far_from_now() -> None:
    date = format_datetime(NOW + timedelta(seconds=90), usegmt=True)

    assert retry_after_seconds({"retry-after": date}, NOW) == 90


def test_a_date_in_the_past_asks_for_no_pause() -> None:
    date = format_datetime(NOW - timedelta(days=1), usegmt=True)

    assert retry_after_seconds({"retry-after": date}, NOW) == 0


def test_a_date_is_measured_by_the_clock_of_whoever_sent_it() -> None:
    theirs = NOW + timedelta(hours=3)
    headers = {
        "date": format_datetime(theirs, usegmt=True),
        "retry-after": format_datetime(theirs + timedelta(seconds=30), usegmt=True),
    }

    assert retry_after_seconds(headers, NOW) == 30


def test_a_date_without_a_zone_is_in_utc() -> None:
    assert retry_after_seconds({"retry-after": "Sun, 01 Mar 2026 12:00:10 -0000"}, NOW) == 10
