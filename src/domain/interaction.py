"""What a user did (an interaction), and taking it back (a retraction). Either is an event of the log."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import Attribute, field, frozen

from domain.errors import InvalidValueError
from domain.identifier import check_unicode, identifier, optional_identifier
from domain.instant import aware

MAX_PHRASE_LENGTH = 1_000
MAX_PROPERTIES_BYTES = 16_384


class EventType(StrEnum):
    """The kinds of interaction. A search has a phrase for its subject, the others a product."""

    SEARCH = "search"
    VIEW = "view"
    CLICK = "click"
    PURCHASE = "purchase"


def _phrase(instance: object, attribute: "Attribute[Any]", value: object) -> None:
    del instance
    if value is None:
        return
    if not isinstance(value, str) or not value.strip():
        raise InvalidValueError(attribute.name, "is empty", "send the words that the user searched for")
    if len(value) > MAX_PHRASE_LENGTH:
        raise InvalidValueError(attribute.name, f"has {len(value)} characters", f"send at most {MAX_PHRASE_LENGTH}")
    check_unicode(attribute.name, value)


def _properties(instance: object, attribute: "Attribute[Any]", value: object) -> None:
    del instance
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise InvalidValueError(attribute.name, "is not an object", "send a JSON object")
    try:
        size = len(json.dumps(dict(value), allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValueError(attribute.name, "is not JSON", "send numbers, strings, lists and objects") from error
    if size > MAX_PROPERTIES_BYTES:
        raise InvalidValueError(attribute.name, f"has {size} bytes", f"send at most {MAX_PROPERTIES_BYTES}")


@frozen(kw_only=True)
class Interaction:
    """One thing that a user did with a product or searched for, at a time.

    `product_id` is set for view, click and purchase, `search_phrase` for search; never both.
    """

    message_id: str = field(validator=identifier)
    user_id: str = field(validator=identifier)
    event_type: EventType = field()
    occurred_at: datetime = field(validator=aware)
    product_id: str | None = field(default=None, validator=optional_identifier)
    search_phrase: str | None = field(default=None, validator=_phrase)
    user_session: str | None = field(default=None, validator=optional_identifier)
    properties: Mapping[str, Any] | None = field(default=None, validator=_properties)

    def __attrs_post_init__(self) -> None:
        if self.event_type is EventType.SEARCH:
            if self.search_phrase is None:
                raise InvalidValueError("search_phrase", "is missing", "a search needs the words searched for")
            if self.product_id is not None:
                raise InvalidValueError("product_id", "is set on a search", "send a phrase or a product, not both")
        else:
            if self.product_id is None:
                raise InvalidValueError("product_id", "is missing", f"a {self.event_type} needs a product")
            if self.search_phrase is not None:
                raise InvalidValueError("search_phrase", f"is set on a {self.event_type}", "only a search has one")

    @event_type.validator
    def _check_event_type(self, attribute: "Attribute[EventType]", value: object) -> None:
        if not isinstance(value, EventType):
            raise InvalidValueError(attribute.name, f"is {value!r}", f"send one of {', '.join(EventType)}")


@frozen(kw_only=True)
class Retraction:
    """Takes an earlier interaction of the same user back, as if it had never happened."""

    message_id: str = field(validator=identifier)
    user_id: str = field(validator=identifier)
    retracts: str = field(validator=identifier)
    """The message id of the interaction."""
    occurred_at: datetime = field(validator=aware)
    user_session: str | None = field(default=None, validator=optional_identifier)
    properties: Mapping[str, Any] | None = field(default=None, validator=_properties)


Event = Interaction | Retraction


@frozen(kw_only=True)
class LoggedEvent:
    """An event as the log holds it. `position` numbers the events of a user 1, 2, 3, … (ADR 0003)."""

    event: Event
    position: int
    recorded_at: datetime
    retracted_by: int | None = None
    """The position of the retraction of this event, where the log was asked for it (`EventLog.history`)."""
