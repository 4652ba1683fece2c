"""Phrase vectors in SQL."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql.database import Database, repeated_when_lost
from adapters.sql.product_catalogue import matrix_of
from adapters.sql.statements import in_parts, insert_new, is_one_of
from adapters.sql.tables import phrase_vectors
from domain.vectors import Matrix


class SqlPhraseVectors:
    """Phrase vectors by model and the SHA-256 of the phrase."""

    def __init__(self, database: Database, dimensions: int) -> None:
        self._database = database
        self._dimensions = dimensions

    def get(self, model: str, phrases: Collection[str]) -> tuple[Sequence[str], Matrix]:
        if not phrases:
            return [], matrix_of([], self._dimensions)  # most batches: no round trip for nothing
        query = sa.select(phrase_vectors.c.phrase, phrase_vectors.c.embedding).where(phrase_vectors.c.model == model)
        with self._database.reading() as connection:
            rows = [
                row
                for part in in_parts([_hash(phrase) for phrase in phrases])
                for row in connection.execute(query.where(is_one_of(phrase_vectors.c.phrase_hash)), part).all()
            ]
        return [row.phrase for row in rows], matrix_of([row.embedding for row in rows], self._dimensions)

    @repeated_when_lost
    def put(self, model: str, phrases: Sequence[str], matrix: Matrix) -> None:
        rows = [
            {"model": model, "phrase_hash": _hash(phrase), "phrase": phrase, "embedding": vector}
            for phrase, vector in zip(phrases, matrix, strict=True)
        ]
        rows.sort(key=_key)  # in one order with whoever else puts some of these; the first of two equal ones stays
        with self._database.writing() as connection:
            insert_new(connection, phrase_vectors, rows)


def _hash(phrase: str) -> bytes:
    return hashlib.sha256(phrase.encode()).digest()


def _key(row: dict[str, Any]) -> bytes:
    phrase_hash: bytes = row["phrase_hash"]
    return phrase_hash
