"""Pages of the log by filter: conditions, and an order that an index gives for nothing."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql.tables import user_interactions
from application.ports.event_log import LogFilter

_log = user_interactions


def conditions_of(events: LogFilter) -> list[sa.ColumnElement[bool]]:
    """What the rows of these events fulfil."""
    conditions: list[sa.ColumnElement[bool]] = []
    if events.user_id is not None:
        conditions.append(_log.c.user_id == events.user_id)
    if events.product_id is not None:
        conditions.append(_log.c.product_id == events.product_id)
    if events.occurred_from is not None:
        conditions.append(_log.c.occurred_at >= events.occurred_from)
    if events.occurred_before is not None:
        conditions.append(_log.c.occurred_at < events.occurred_before)
    return conditions


def order_of(events: LogFilter) -> tuple[sa.Column[Any], ...]:
    """One or two columns that number the rows of these events, in the order of the index that finds them."""
    if events.user_id is not None:
        return (_log.c.position,)
    if events.product_id is None and events.occurred_from is None and events.occurred_before is None:
        return (_log.c.id,)
    return (_log.c.occurred_at, _log.c.id)  # every index ends with the id


def beyond(order: Sequence[sa.Column[Any]], last: Sequence[Any]) -> sa.ColumnElement[bool]:
    """What the rows after the one with `last` in the columns of `order` fulfil."""
    first, *others = (column > value for column, value in zip(order, last, strict=True))
    # The condition on the first column alone follows from the rest, and is what an index can be entered by.
    return sa.and_(order[0] >= last[0], sa.or_(first, *others)) if others else first
