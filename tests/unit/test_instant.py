from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValueError
from domain.instant import check_aware, from_microseconds, to_microseconds


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_instant_comes_back_from_its_microseconds(instant: datetime) -> None:
    assert from_microseconds(to_microseconds(instant)) == instant


def test_the_offset_is_taken_into_account() -> None:
    assert to_microseconds(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0


def test_times_before_1970_are_negative() -> None:
    assert to_microseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), "2026-01-01", None])  # noqa: DTZ001
def test_a_time_without_an_offset_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r"occurred_at has no offset.*RFC 3339"):
        check_aware("occurred_at", value)
