"""What is stored is as the contracts say that others find it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve
from bson.json_util import RELAXED_JSON_OPTIONS, dumps
from bson.objectid import ObjectId
from jsonschema import Draft202012Validator

from adapters.mongodb import product_document, user_document
from adapters.sql.database import Database, sqlite_url
from adapters.sql.event_log import SqlEventLog
from adapters.sql.schema import SqlSchema
from docs.contracts.documents import documents
from domain.applied_positions import AppliedPositions
from tests.builders import NOW, bought, in_catalogue, retraction, searched, stored_state, unit_vector

EMPTY = stored_state()
FULL = stored_state(
    embedding=unit_vector(),
    norm=1.5,
    weight=2.0,
    error=1e-7,
    as_of=NOW,
    event_count=3,
    applied=AppliedPositions(9, [(2, 3), (5, 5)]),
)
CANCELLED_OUT = evolve(FULL, embedding=None, norm=0.0)
EVENTS = (bought("m1", properties={"price": 1.5}, user_session="s1"), searched("m2"), retraction("m3", "m1"))
COLUMNS = [
    sa.literal_column(f"CAST({name} AS CHAR)" if name in ("occurred_at", "recorded_at") else name).label(name)
    for name in documents()["user_interactions.schema.json"]["properties"]
]


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(documents()[f"{name}.schema.json"])


def extended_json(document: dict[str, Any]) -> Any:
    return json.loads(dumps(document, json_options=RELAXED_JSON_OPTIONS))


@pytest.mark.parametrize(
    "state", [EMPTY, FULL, evolve(FULL, embedding=None, norm=0.0)], ids=["empty", "full", "cancels"]
)
def test_a_document_of_a_user_is_as_its_contract_says(state: Any) -> None:
    document = extended_json(user_document.document_of(state))

    schema("user_embeddings").validate(document)
    assert set(document) == set(documents()["user_embeddings.schema.json"]["properties"])


def test_a_document_of_a_product_is_as_its_contract_says() -> None:
    document = extended_json(product_document.document_of(in_catalogue(), ObjectId()))

    schema("product_embeddings").validate(document)
    assert set(document) == set(documents()["product_embeddings.schema.json"]["properties"])


@pytest.mark.parametrize(
    ("field", "wrong"), [("norm", "1"), ("embedding", "AAAA"), ("as_of", 1), ("missing", [[1]]), ("user_id", "")]
)
def test_a_document_that_is_otherwise_is_found(field: str, wrong: object) -> None:
    document = extended_json(user_document.document_of(FULL))

    assert not schema("user_embeddings").is_valid(document | {field: wrong})


@pytest.fixture(params=["sqlite", "mysql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    folder: Path = request.getfixturevalue("tmp_path")
    is_mysql = request.param == "mysql"
    url = request.getfixturevalue("mysql_url") if is_mysql else sqlite_url(folder / "log.sqlite")
    database = Database(url, "DATABASE_URL")
    SqlSchema(database).upgrade()
    yield database
    database.dispose()


def test_a_row_of_the_log_is_as_its_contract_says(database: Database) -> None:
    with SqlEventLog(database).transaction() as transaction:
        transaction.append(EVENTS, NOW)

    with database.reading() as connection:
        rows = connection.execute(sa.select(*COLUMNS).select_from(sa.table("user_interactions"))).mappings().all()

    assert len(rows) == len(EVENTS)
    for row in rows:
        schema("user_interactions").validate(dict(row))
