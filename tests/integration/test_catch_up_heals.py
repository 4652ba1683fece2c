"""`penchant catch-up` brings back what was lost behind our back, and counts it."""

import json

import pytest
import sqlalchemy as sa

from adapters.sql.tables import user_embeddings
from entrypoints.container import Container
from tests.integration.program import Program

EVENTS = 6


@pytest.fixture
def shop(program: Program) -> Program:
    program.ok("products", "import", "-", stdin='{"product_id": "mug", "text": "red mug"}')
    view(program, 0, EVENTS // 2)
    return program


def view(program: Program, first: int, last: int) -> None:
    messages = [
        {
            "message_id": f"m{n}",
            "user_id": "ann",
            "event_type": "view",
            "product_id": "mug",
            "occurred_at": f"2026-01-0{n + 1}T12:00:00Z",
        }
        for n in range(first, last)
    ]
    program.ok("events", "import", "-", stdin="".join(json.dumps(message) + "\n" for message in messages))


def stored(container: Container) -> dict[str, object]:
    with container.database().reading() as connection:
        row = connection.execute(sa.select(user_embeddings).where(user_embeddings.c.user_id == "ann")).one()
    return dict(row._mapping)


def put_back(container: Container, row: dict[str, object] | None) -> None:
    with container.database().writing() as connection:
        connection.execute(sa.delete(user_embeddings))
        if row is not None:
            connection.execute(sa.insert(user_embeddings).values(row))


def test_a_state_set_back_to_an_older_copy_is_brought_forward(shop: Program, container: Container) -> None:
    older = stored(container)
    view(shop, EVENTS // 2, EVENTS)
    put_back(container, older)

    report = shop.ok("catch-up", "--older-than", "0", "--json").json

    assert report == {"users": 1, "events": EVENTS // 2, "rebuilt": 0, "points": 0}
    assert shop.ok("verify", "--all", "--json").json["lag"] == 0
    assert shop.ok("profile", "show", "ann", "--json").json["event_count"] == EVENTS


def test_a_deleted_state_is_made_anew_after_the_last_delivery(shop: Program, container: Container) -> None:
    put_back(container, None)

    report = shop.ok("catch-up", "--older-than", "0", "--json").json

    assert report == {"users": 1, "events": EVENTS // 2, "rebuilt": 0, "points": 0}
    assert shop.ok("verify", "--all", "--json").json["lag"] == 0


def test_a_state_deleted_under_way_heals_with_the_next_event(shop: Program, container: Container) -> None:
    put_back(container, None)

    view(shop, EVENTS // 2, EVENTS)

    assert shop.ok("profile", "show", "ann", "--json").json["event_count"] == EVENTS
    assert shop.ok("catch-up", "--older-than", "0", "--json").json == {
        "users": 0,
        "events": 0,
        "rebuilt": 0,
        "points": 0,
    }


def test_what_is_younger_than_ten_minutes_may_be_on_its_way(shop: Program, container: Container) -> None:
    put_back(container, None)

    assert shop.ok("catch-up", "--json").json == {"users": 0, "events": 0, "rebuilt": 0, "points": 0}
