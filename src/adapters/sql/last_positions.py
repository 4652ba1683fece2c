"""The last positions of many users: a condition on rows of the log, and its parameters."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

import sqlalchemy as sa

from adapters.sql.tables import user_interactions

RANGES_AT_ONCE = 128
"""So few that each database plans a range of the index for every one of them; a power of two."""

_log = user_interactions

_NO_RANGE = ("", 1, 0)


@lru_cache
def in_ranges(count: int) -> sa.ColumnElement[bool]:
    """Whether a row is in one of `count` ranges, given as parameters at execution (see `ranges_of`).

    Joined with a list of the ranges, MariaDB would read all of each user in the index, and compare the ids by the
    collation of the list.
    """
    return sa.or_(
        *(
            sa.and_(
                _log.c.user_id == sa.bindparam(f"user_{n}"),
                _log.c.position.between(sa.bindparam(f"first_{n}"), sa.bindparam(f"last_{n}")),
            )
            for n in range(count)
        )
    )


def ranges_of(up_to: Mapping[str, int], limit: int) -> Iterator[tuple[int, dict[str, str | int]]]:
    """Ranges of `limit` positions up to the given one: how many, and their parameters; none too many at once.

    Filled up to a power of two, so that there are a few statements to keep: one for each number would take 33 MiB.
    """
    rest = ((user_id, last - limit + 1, last) for user_id, last in sorted(up_to.items()))
    while some := list(islice(rest, RANGES_AT_ONCE)):
        count = 1 << (len(some) - 1).bit_length()
        some += [_NO_RANGE] * (count - len(some))
        parameters: dict[str, str | int] = {}
        for n, (user_id, first, last) in enumerate(some):
            parameters |= {f"user_{n}": user_id, f"first_{n}": first, f"last_{n}": last}
        yield count, parameters
