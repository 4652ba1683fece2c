"""Results that are read page by page while they come."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection


@contextmanager
def streamed(
    connection: Connection, query: sa.Select[Any], page: int, parameters: Mapping[str, Any] | None = None
) -> Iterator[Iterator[Sequence[sa.Row[Any]]]]:
    """The rows, up to `page` at a time. Who does not want the rest leaves the block by any exception."""
    with connection.execute(query.execution_options(yield_per=page), parameters) as result:
        try:
            yield result.partitions()
        except BaseException:
            # Otherwise the driver would read the rest when the result is closed, however much that is; and if the
            # server is gone it would fail at that, in places where nobody can catch it.
            connection.invalidate()
            raise
