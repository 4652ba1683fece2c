"""User embeddings in SQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from adapters.sql.database import Database, repeated_when_lost
from adapters.sql.statements import in_parts, insert_columns, is_one_of, upsert
from adapters.sql.streams import streamed
from adapters.sql.tables import user_embeddings
from application.ports.user_embedding_store import StateWrite
from domain.applied_positions import AppliedPositions
from domain.errors import InvalidValueError
from domain.user_embedding import UNREADABLE, UserEmbedding
from domain.vectors import Matrix, Vector

_states = user_embeddings

_STAMPS: sa.Select[Any] = sa.select(_states.c.user_id, _states.c.version, _states.c.write_id).where(
    is_one_of(_states.c.user_id)
)


class SqlUserEmbeddingStore:
    """Compare-and-set: lock what is stored, compare, and write all that match in one statement."""

    def __init__(self, database: Database, dimensions: int) -> None:
        self._database = database
        self._dimensions = dimensions

    def read(self, user_ids: Collection[str]) -> Mapping[str, UserEmbedding]:
        with self._database.reading() as connection:
            return {
                state.user_id: state for part in in_parts(user_ids) for state in _states_of(connection, part["values"])
            }

    @repeated_when_lost
    def write(self, writes: Sequence[StateWrite]) -> int:
        with self._database.writing() as connection:
            stored = _write_ids(connection, [write.state.user_id for write in writes])
            matched = [write for write in writes if stored.get(write.state.user_id) == write.expected]
            # A plain INSERT of the new ones: if somebody else's are there by now, this transaction loses its race.
            new = [_row_of(write.state) for write in matched if write.expected is None]
            insert_columns(connection, _states, {name: [row[name] for row in new] for name in new[0]} if new else {})
            upsert(connection, _states, [_row_of(write.state) for write in matched if write.expected is not None])
        return len(writes) - len(matched)

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        query = sa.select(_states.c.user_id).order_by(_states.c.user_id).limit(limit)
        if after is not None:
            query = query.where(_states.c.user_id > after)
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        query = sa.select(_states.c.user_id, _states.c.embedding).where(_states.c.embedding.is_not(None))
        with self._database.reading() as connection, streamed(connection, query, page) as pages:
            for rows in pages:
                some = [row for row in rows if _is_vector(row.embedding) and len(row.embedding) == self._dimensions]
                if some:
                    yield [row.user_id for row in some], np.stack([row.embedding for row in some])

    def count(self) -> int:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(_states)) or 0


def _states_of(connection: Connection, user_ids: Sequence[str]) -> Sequence[UserEmbedding]:
    try:
        rows = connection.execute(sa.select(_states).where(is_one_of(_states.c.user_id)), {"values": user_ids}).all()
    except (TypeError, ValueError):  # a column holds what its type cannot be made of: find out whose
        if len(user_ids) == 1:
            return [_unreadable(connection.execute(_STAMPS, {"values": user_ids}).one())]
        half = len(user_ids) // 2
        return [*_states_of(connection, user_ids[:half]), *_states_of(connection, user_ids[half:])]
    return [_state_from(row) for row in rows]


def _write_ids(connection: Connection, user_ids: Collection[str]) -> dict[str, str]:
    """What these users have now, held still until the transaction ends."""
    query = sa.select(_states.c.user_id, _states.c.write_id).where(is_one_of(_states.c.user_id)).with_for_update()
    return {
        user_id: write_id for part in in_parts(user_ids) for user_id, write_id in connection.execute(query, part).all()
    }


def _unreadable(row: Row[Any]) -> UserEmbedding:
    return UserEmbedding(
        user_id=row.user_id, recipe=UNREADABLE, model=UNREADABLE, version=row.version, write_id=row.write_id
    )


def _state_from(row: Row[Any]) -> UserEmbedding:
    try:
        applied = AppliedPositions(row.position, row.missing)
        if not _is_consistent(row):
            return _unreadable(row)
    except (InvalidValueError, TypeError, ValueError):
        return _unreadable(row)
    return UserEmbedding(
        user_id=row.user_id,
        recipe=row.recipe,
        model=row.model,
        embedding=row.embedding,
        norm=row.norm,
        weight=row.weight,
        error=row.error,
        as_of=row.as_of,
        event_count=row.event_count,
        applied=applied,
        missing_after_rebuild=row.missing_after_rebuild,
        version=row.version,
        write_id=row.write_id,
        last_updated=row.last_updated,
    )


def _is_consistent(row: Row[Any]) -> bool:
    """Whether vector, numbers and time go together. Raises TypeError where one is of another kind."""
    return bool(
        row.position >= 0
        and (row.as_of is not None) == (row.event_count > 0)
        and (row.embedding is not None) == (row.norm > 0)
        and (row.embedding is None or _is_vector(row.embedding))
        and np.isfinite([row.norm, row.weight, row.error]).all()
    )


def _is_vector(embedding: Vector | None) -> bool:
    return embedding is not None and bool(np.isfinite(embedding).all())


def _row_of(state: UserEmbedding) -> dict[str, Any]:
    return {
        "user_id": state.user_id,
        "embedding": state.embedding,
        "norm": state.norm,
        "weight": state.weight,
        "error": state.error,
        "as_of": state.as_of,
        "last_updated": state.last_updated,
        "event_count": state.event_count,
        "position": state.applied.position,
        "missing": state.applied.missing,
        "missing_after_rebuild": state.missing_after_rebuild,
        "recipe": state.recipe,
        "model": state.model,
        "version": state.version,
        "write_id": state.write_id,
    }
