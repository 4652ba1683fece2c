"""The questions of docs/graph.md, word by word, on a real Neo4j."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from adapters.neo4j.database import Neo4jDatabase
from adapters.neo4j.graph import Neo4jGraph
from adapters.neo4j.schema import Neo4jSchema
from domain.interaction import Interaction
from tests.builders import bought, days_ago, viewed
from tests.documents import ROOT, Document
from tests.services.neo4j import Neo4jServer

PAGE = Document(path=ROOT / "docs" / "graph.md")


@pytest.fixture(scope="module", name="shop")
def graph_of_a_shop(neo4j_server: Neo4jServer) -> Iterator[Neo4jServer]:
    """What three users did."""
    neo4j_server.start()
    with neo4j_server.graph() as url:
        database = Neo4jDatabase(url)
        Neo4jSchema(database).install()
        _put(
            Neo4jGraph(database),
            bought("m1", "tea", "ann", 9.0),
            bought("m2", "mug", "ann", 3.0),
            bought("m3", "tea", "ann", 1.0),
            viewed("m4", "mug", "ann", 4.0),
            viewed("m5", "pot", "ann", 2.0),
            viewed("m6", "tin", "ann", 40.0),
            bought("m7", "tea", "ben", 5.0),
            bought("m8", "mug", "ben", 5.0),
            bought("m9", "pot", "ben", 5.0),
            viewed("m10", "pot", "ben", 6.0),
            viewed("m11", "pot", "ben", 50.0),
            bought("m12", "tea", "cat", 5.0),
            bought("m13", "mug", "cat", 5.0),
            bought("m14", "hat", "dan", 5.0),
        )
        yield neo4j_server
        database.dispose()


def _put(graph: Neo4jGraph, *interactions: Interaction) -> None:
    with graph.transaction() as transaction:
        transaction.lock({event.user_id for event in interactions})
        transaction.add(interactions)


def _answers(shop: Neo4jServer, question: str, **parameters: Any) -> list[Mapping[str, Any]]:
    with shop.connect() as driver:
        return [record.data() for record in driver.execute_query(PAGE.blocks("cypher", question), parameters).records]  # type: ignore[arg-type]


def test_what_a_user_bought_last(shop: Neo4jServer) -> None:
    answers = _answers(shop, "What a user bought last", user_id="ann")

    assert [(a["product_id"], a["times"], a["last"].to_native()) for a in answers] == [
        ("tea", 2, days_ago(1)),
        ("mug", 1, days_ago(3)),
    ]


def test_what_was_bought_by_people_who_bought_this(shop: Neo4jServer) -> None:
    answers = _answers(shop, "Bought by people who bought this", product_id="tea")

    assert answers == [{"product_id": "mug", "buyers": 3}, {"product_id": "pot", "buyers": 1}]


def test_what_was_viewed_by_most_since_a_day(shop: Neo4jServer) -> None:
    answers = _answers(shop, "Most viewed since a day", since=days_ago(30).isoformat())

    assert answers == [
        {"product_id": "pot", "viewers": 2, "views": 3},
        {"product_id": "mug", "viewers": 1, "views": 1},
    ]


def test_what_a_user_viewed_and_did_not_buy(shop: Neo4jServer) -> None:
    answers = _answers(shop, "Viewed and not bought", user_id="ann")

    assert [(a["product_id"], a["views"]) for a in answers] == [("pot", 1), ("tin", 1)]
