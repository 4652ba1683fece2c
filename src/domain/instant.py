"""Points in time: aware datetimes at the edges, whole microseconds since 1970 (UTC) in arrays."""

from datetime import UTC, datetime, timedelta

from domain.errors import InvalidValueError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MICROSECONDS_PER_DAY = 86_400_000_000

NEVER_US = -(2**62)
"""The time of a sum without events: so long ago that whatever it held has decayed to exactly zero."""


def to_microseconds(instant: datetime) -> int:
    """Whole microseconds from 1970 to an aware datetime."""
    return (instant - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The aware datetime (UTC) at that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def check_aware(field: str, value: object) -> None:
    """Raise InvalidValueError unless `value` is a datetime with an offset."""
    if not isinstance(value, datetime) or (value.tzinfo is not UTC and value.utcoffset() is None):
        raise InvalidValueError(field, "has no offset from UTC", "send RFC 3339 such as 2026-01-31T12:00:00Z")
