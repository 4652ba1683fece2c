"""How long an HTTP answer asks to be left alone (RFC 9110, section 10.2.3)."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from now, at least 0; None where the answer does not say, or says something that is no time.

    `retry-after-ms`, which OpenAI sends besides, is the finer of the two. A date is compared with the `Date` of the
    same answer where it has one, so that a clock that is wrong, theirs or ours, does no harm.

    Parameters
    ----------
    headers : of the answer; names in lower case must find them.
    now : the present time, aware.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1_000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    until = _date(text)
    if until is None:
        return None
    sent_at = _date(headers.get("date"))
    return max(0.0, (until - (sent_at if sent_at is not None else now)).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text) if text is not None else None
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date is not None and date.tzinfo is None else date
