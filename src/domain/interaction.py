"""What a user did (an interaction), and taking it back (a retraction). Either is an event of the log."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from domain.errors import InvalidValueError
from domain.identifier import check_identifier, check_unicode
from domain.instant import check_aware

MAX_PHRASE_LENGTH = 1_000
MAX_PROPERTIES_BYTES = 16_384


class EventType(StrEnum):
    """The kinds of interaction. A search has a phrase for its subject, the others a product."""

    SEARCH = "search"
    VIEW = "view"
    CLICK = "click"
    PURCHASE = "purchase"


def _check_phrase(phrase: object) -> None:
    if not isinstance(phrase, str) or not phrase.strip():
        raise InvalidValueError("search_phrase", "is empty", "send the words that the user searched for")
    if len(phrase) > MAX_PHRASE_LENGTH:
        raise InvalidValueError("search_phrase", f"has {len(phrase)} characters", f"send at most {MAX_PHRASE_LENGTH}")
    check_unicode("search_phrase", phrase)


def _check_properties(properties: object) -> None:
    if not isinstance(properties, Mapping):
        raise InvalidValueError("properties", "is not an object", "send a JSON object")
    try:
        size = len(json.dumps(dict(properties), allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValueError("properties", "is not JSON", "send numbers, strings, lists and objects") from error
    if size > MAX_PROPERTIES_BYTES:
        raise InvalidValueError("properties", f"has {size} bytes", f"send at most {MAX_PROPERTIES_BYTES}")


def _check_envelope(event: "Event") -> None:
    # One call for all fields and not a validator each: logs are read by the hundred thousand.
    check_identifier("message_id", event.message_id)
    check_identifier("user_id", event.user_id)
    check_aware("occurred_at", event.occurred_at)
    if event.user_session is not None:
        check_identifier("user_session", event.user_session)
    if event.properties is not None:
        _check_properties(event.properties)


@frozen(kw_only=True)
class Interaction:
    """One thing that a user did with a product or searched for, at a time.

    `product_id` is set for view, click and purchase, `search_phrase` for search; never both.
    """

    message_id: str
    user_id: str
    event_type: EventType
    occurred_at: datetime
    product_id: str | None = None
    search_phrase: str | None = None
    user_session: str | None = None
    properties: Mapping[str, Any] | None = None

    def __attrs_post_init__(self) -> None:
        _check_envelope(self)
        if not isinstance(self.event_type, EventType):
            raise InvalidValueError("event_type", f"is {self.event_type!r}", f"send one of {', '.join(EventType)}")
        if self.event_type is EventType.SEARCH:
            if self.product_id is not None:
                raise InvalidValueError("product_id", "is set on a search", "send a phrase or a product, not both")
            if self.search_phrase is None:
                raise InvalidValueError("search_phrase", "is missing", "a search needs the words searched for")
            _check_phrase(self.search_phrase)
        else:
            if self.search_phrase is not None:
                raise InvalidValueError("search_phrase", f"is set on a {self.event_type}", "only a search has one")
            if self.product_id is None:
                raise InvalidValueError("product_id", "is missing", f"a {self.event_type} needs a product")
            check_identifier("product_id", self.product_id)


@frozen(kw_only=True)
class Retraction:
    """Takes an earlier interaction of the same user back, as if it had never happened."""

    message_id: str
    user_id: str
    retracts: str
    """The message id of the interaction."""
    occurred_at: datetime
    user_session: str | None = None
    properties: Mapping[str, Any] | None = None

    def __attrs_post_init__(self) -> None:
        _check_envelope(self)
        check_identifier("retracts", self.retracts)


Event = Interaction | Retraction


@frozen(kw_only=True)
class LoggedEvent:
    """An event as the log holds it. `position` numbers the events of a user 1, 2, 3, … (ADR 0003)."""

    event: Event
    position: int
    recorded_at: datetime
    retracted_by: int | None = None
    """The position of the retraction of this event, where the log was asked for it (`EventLog.history`)."""
    trace: str | None = field(default=None, eq=False, repr=False)
    """What its journey belongs to, for those who trace it (W3C traceparent). The log forgets it."""
