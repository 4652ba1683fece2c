"""Points in time to the microsecond.

A BSON date ends at milliseconds, and `as_of` decides the arithmetic. So each is a date, which operators read and an
index sorts, and beside it the 0 to 999 microseconds that the date leaves out: neither repeats the other, so that they
cannot disagree.
"""

from datetime import datetime, timedelta

EXTRA_US = "_extra_us"
"""Ends the name of the field with the microseconds."""


def fields_of(name: str, instant: datetime | None) -> dict[str, datetime | int | None]:
    """The two fields of an instant. BSON itself cuts the date off at milliseconds."""
    return {name: instant, name + EXTRA_US: instant.microsecond % 1_000 if instant is not None else 0}


def instant_from(date: datetime | None, extra_us: int) -> datetime | None:
    """The instant of two fields.

    Raises ValueError if `extra_us` is not 0 to 999, OverflowError beyond the year 9999.
    """
    if not 0 <= extra_us < 1_000:
        raise ValueError(extra_us)
    return date + timedelta(microseconds=extra_us) if date is not None else None
