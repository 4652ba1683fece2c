"""`penchant verify` can fail: what somebody changed behind our back is found, with the user's name."""

import json

import numpy as np
import pytest
import sqlalchemy as sa

from adapters.sql.tables import user_embeddings, user_interactions
from application.event_message import parse_event
from entrypoints.container import Container
from tests.integration.program import Outcome, Program

USER = "ann"
EVENTS = 5


@pytest.fixture
def shop(program: Program, container: Container) -> Program:
    products = [{"product_id": f"p{n}", "text": text} for n, text in enumerate(["red mug", "blue teapot", "spade"])]
    messages = [message(user, n) for user in (USER, "bob") for n in range(EVENTS)]
    program.ok("products", "import", "-", stdin="".join(json.dumps(product) + "\n" for product in products))
    program.ok("events", "import", "-", stdin="".join(json.dumps(message) + "\n" for message in messages))
    return program


def message(user: str, n: int) -> dict[str, object]:
    return {
        "message_id": f"{user}-{n}",
        "user_id": user,
        "event_type": "purchase",
        "product_id": f"p{n % 3}",
        "occurred_at": f"2026-01-0{n + 1}T12:00:00Z",
    }


def verify(shop: Program) -> Outcome:
    return shop.run("verify", "--all", "--json")


def change(container: Container, **values: object) -> None:
    with container.database().writing() as connection:
        connection.execute(sa.update(user_embeddings).where(user_embeddings.c.user_id == USER).values(**values))


def assert_found(shop: Program) -> str:
    outcome = verify(shop)
    assert outcome.code == 1
    (mismatch,) = outcome.json["mismatched_users"]
    assert outcome.json["mismatches"] == 1
    assert mismatch["user_id"] == USER
    assert USER in shop.run("verify", "--all").stdout
    return str(mismatch["reason"])


def test_what_nobody_touched_verifies(shop: Program) -> None:
    outcome = verify(shop)

    assert outcome.code == 0
    report = outcome.json
    assert (report["users"], report["mismatches"], report["lag"]) == (2, 0, 0)
    assert report["max_error"] < 1e-6


def test_one_changed_component_of_one_vector_is_found(shop: Program, container: Container) -> None:
    embedding = np.array(container.store().read([USER])[USER].embedding)
    embedding[17] += 1e-3
    change(container, embedding=embedding)

    assert "is off by" in assert_found(shop)


def test_an_applied_event_that_is_gone_from_the_log_is_found(shop: Program, container: Container) -> None:
    with container.database().writing() as connection:
        connection.execute(sa.delete(user_interactions).where(user_interactions.c.message_id == "ann-2"))

    assert "of which the log holds 4" in assert_found(shop)


def test_a_position_wrongly_marked_as_applied_is_found(shop: Program, container: Container) -> None:
    submission = parse_event(message(USER, EVENTS))
    container.record()([submission])  # and not applied

    change(container, position=EVENTS + 1)

    assert "holds 5 live events; the log gives 6" in assert_found(shop)


def test_a_rebuild_mends_what_verify_found(shop: Program, container: Container) -> None:
    change(container, norm=17.0)
    assert_found(shop)

    shop.ok("rebuild", "--user", USER)

    assert verify(shop).code == 0


@pytest.mark.parametrize("broken", [b"\x00" * 1_020, b"\x00\x00\xc0\x7f" * 256], ids=["cut short", "not a number"])
def test_a_vector_that_is_none_is_found_and_mended(shop: Program, container: Container, broken: bytes) -> None:
    with container.database().writing() as connection:
        connection.execute(
            sa.text("UPDATE user_embeddings SET embedding = :broken WHERE user_id = :user"),
            {"broken": broken, "user": USER},
        )

    assert "cannot be read" in assert_found(shop)
    assert "bob" not in shop.ok("profile", "neighbours", "bob", "--json").json["users"]
    shop.ok("rebuild", "--user", USER)
    assert verify(shop).code == 0


def test_several_processes_find_what_one_finds(shop: Program, container: Container) -> None:
    change(container, weight=sa.literal(3.0))

    alone = shop.run("verify", "--all", "--processes", "1", "--json").json
    together = shop.process("verify", "--all", "--processes", "2", "--json")

    assert together.code == 1, together.stderr
    assert together.json == alone
