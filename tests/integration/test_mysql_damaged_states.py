"""A state on a real MySQL that another program damaged is of no recipe, so that its user is rebuilt."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from adapters.sql.database import Database
from adapters.sql.user_embedding_store import SqlUserEmbeddingStore
from application.ports.user_embedding_store import StateWrite
from domain.applied_positions import AppliedPositions
from domain.user_embedding import UNREADABLE, UserEmbedding
from tests.builders import DIMENSIONS, NOW, stored_state, unit_vector
from tests.integration.mysql_tables import opened
from tests.services import MysqlServer

NONSENSE = [
    pytest.param({"embedding": b"\x00" * 15}, id="an embedding cut short"),
    pytest.param({"embedding": np.array([np.nan, 0, 0, 1], dtype="<f4").tobytes()}, id="an embedding with NaN"),
    pytest.param({"embedding": None}, id="norm without an embedding"),
    pytest.param({"norm": 0.0}, id="an embedding without a norm"),
    pytest.param({"as_of": None}, id="live events without a time"),
    pytest.param({"event_count": 0}, id="a time without live events"),
    pytest.param({"position": -1, "missing": "[]"}, id="a negative position"),
    pytest.param({"missing": "[[3, 2]]"}, id="a range that goes backwards"),
    pytest.param({"missing": "7"}, id="a number for ranges"),
    pytest.param({"missing": "null"}, id="nothing for ranges"),
    pytest.param({"missing": "no JSON"}, id="ranges that are no JSON"),
]


@pytest.fixture(scope="module")
def database(mysql_server: MysqlServer) -> Iterator[Database]:
    mysql_server.start()
    with mysql_server.database() as url, opened(url) as [database]:
        yield database


@pytest.fixture
def store(database: Database) -> SqlUserEmbeddingStore:
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM user_embeddings")
    store = SqlUserEmbeddingStore(database, DIMENSIONS)
    store.write([StateWrite(state=_live(user, f"w-{user}"), expected=None) for user in ("ann", "bob")])
    return store


def _live(user_id: str, write_id: str) -> UserEmbedding:
    applied = AppliedPositions(5, ((2, 3),))
    return stored_state(
        user_id, write_id, embedding=unit_vector(), norm=2.0, weight=3.0, as_of=NOW, event_count=2, applied=applied
    )


@pytest.mark.parametrize("values", NONSENSE)
def test_nonsense_is_of_no_recipe_and_can_be_replaced_by_whoever_has_read_it(
    database: Database, store: SqlUserEmbeddingStore, values: dict[str, Any]
) -> None:
    assignments = ", ".join(f"{column} = :{column}" for column in values)
    with database.writing() as connection:
        connection.execute(sa.text(f"UPDATE user_embeddings SET {assignments} WHERE user_id = 'ann'"), values)  # noqa: S608

    found = store.read(["ann", "bob"])

    assert (found["ann"].recipe, found["ann"].write_id, found["bob"].recipe) == (UNREADABLE, "w-ann", "recipe-1")
    assert store.write([StateWrite(state=_live("ann", "w2"), expected="w-ann")]) == 0
    assert store.read(["ann"])["ann"].recipe == "recipe-1"
