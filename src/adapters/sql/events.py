"""Rows of the log as logged events, and back."""

from collections.abc import Sequence
from typing import Any

from adapters.sql.tables import user_interactions
from domain.interaction import Event, EventType, Interaction, LoggedEvent, Retraction

_log = user_interactions

EVENT_COLUMNS = (
    _log.c.message_id,
    _log.c.user_id,
    _log.c.position,
    _log.c.event_type,
    _log.c.product_id,
    _log.c.search_phrase,
    _log.c.occurred_at,
    _log.c.recorded_at,
    _log.c.retracts,
    _log.c.user_session,
    _log.c.properties,
)

_EVENT_FIELDS = tuple(column.name for column in EVENT_COLUMNS if column.name not in ("position", "recorded_at"))

_EVENT_TYPES = {event_type.value: event_type for event_type in EventType}


def event_from(row: Sequence[Any], retracted_by: int | None = None, trace: str | None = None) -> LoggedEvent:
    """The logged event of a row that begins with EVENT_COLUMNS."""
    (
        message_id,
        user_id,
        position,
        event_type,
        product_id,
        search_phrase,
        occurred_at,
        recorded_at,
        retracts,
        user_session,
        properties,
        *_,
    ) = row
    event: Event
    if retracts is not None:
        event = Retraction(
            message_id=message_id,
            user_id=user_id,
            retracts=retracts,
            occurred_at=occurred_at,
            user_session=user_session,
            properties=properties,
        )
    else:
        event = Interaction(
            message_id=message_id,
            user_id=user_id,
            event_type=_EVENT_TYPES[event_type],
            product_id=product_id,
            search_phrase=search_phrase,
            occurred_at=occurred_at,
            user_session=user_session,
            properties=properties,
        )
    return LoggedEvent(event=event, position=position, recorded_at=recorded_at, retracted_by=retracted_by, trace=trace)


def columns_of(logged: Sequence[LoggedEvent]) -> dict[str, list[Any]]:
    """Logged events as the columns of their rows."""
    events = [item.event for item in logged]
    columns = {name: [getattr(event, name, None) for event in events] for name in _EVENT_FIELDS}
    return columns | {
        "position": [item.position for item in logged],
        "recorded_at": [item.recorded_at for item in logged],
    }
