"""Embeddings over HTTP: now, as of a time, and what follows from them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.integration.http_api import Api, serving, starting
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.program import Program
from tests.services.waiting import wait_until

DAYS = {
    "tea": "2026-01-01T00:00:00Z",
    "mug": "2026-01-11T00:00:00Z",
    "pot": "2026-01-21T00:00:00Z",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A shop in which ann viewed three things, ten days apart, and took the first back on the last day."""
    folder: Path = tmp_path_factory.mktemp("api")
    program = Program(home=folder / "home", folder=folder)
    texts = {"tea": "green tea", "mug": "blue mug", "pot": "red teapot", "cup": "small cup"}
    described = {"mug": {"colour": "blue"}, "pot": {"colour": ["red", "a:b"], "size": "S"}, "cup": {"size": "S"}}
    products = [{"product_id": key, "text": text, "attributes": described.get(key)} for key, text in texts.items()]
    lines = "".join(json.dumps(product) + "\n" for product in products)
    (folder / "products.jsonl").write_text(lines)
    assert program.run("products", "import", "products.jsonl").code == 0
    with serving(starting(program)) as api:
        for product_id, day in DAYS.items():
            message = {"message_id": f"v-{product_id}", "occurred_at": day}
            assert api.post(f"/api/user/ann/product/{product_id}/view", message).status_code == 202
        retraction = {"message_id": "r", "occurred_at": "2026-01-31T00:00:00Z"}
        assert api.post("/api/user/ann/events/v-tea/retract", retraction).status_code == 202
        api.wait_for_embedding("ann", 2)
        yield api


@pytest.mark.parametrize(
    ("at", "events"),
    [
        ("2026-01-01T00:00:00Z", 1),
        ("2026-01-10T23:59:59.999999Z", 1),
        ("2026-01-11T02:00:00+02:00", 2),
        ("2026-01-30T00:00:00Z", 3),
        ("2026-01-31T00:00:00Z", 2),
        ("2026-06-01T00:00:00Z", 2),
    ],
)
def test_an_embedding_as_of_a_time_has_what_had_occurred_and_was_not_taken_back(api: Api, at: str, events: int) -> None:
    assert api.get("/api/user/ann/embedding", at=at).json()["event_count"] == events


def test_an_embedding_as_of_now_is_the_stored_one(api: Api) -> None:
    stored = api.get("/api/user/ann/embedding").json()
    folded = api.get("/api/user/ann/embedding", at="2026-02-01T00:00:00Z").json()

    assert np.allclose(stored["embedding"], folded["embedding"], atol=1e-6)
    assert folded["focus"] == pytest.approx(stored["focus"])
    assert (stored["version"] > 0, folded["version"]) == (True, 0)


def test_weight_decays_to_the_time_that_is_asked_for(api: Api) -> None:
    fresh, later = (
        api.get("/api/user/ann/embedding", at=at).json() for at in ("2026-01-01T00:00:00Z", "2026-01-09T00:00:00Z")
    )

    assert fresh["weight"] == pytest.approx(0.3)
    assert later["weight"] == pytest.approx(0.3 * np.exp(-0.023 * 8))
    assert later["as_of"] == "2026-01-09T00:00:00Z"


def test_before_the_first_event_there_is_nothing(api: Api) -> None:
    answer = api.get("/api/user/ann/embedding", at="2025-12-31T00:00:00Z")

    assert (answer.status_code, answer.json()["field"]) == (404, "user_id")


def test_a_time_without_an_offset_is_refused(api: Api) -> None:
    answer = api.get("/api/user/ann/embedding", at="2026-01-01T00:00:00")

    assert (answer.status_code, answer.json()["field"]) == (422, "at")


def test_recommendations_are_limited_and_in_order(api: Api) -> None:
    found = api.get("/api/user/ann/recommendations", limit=3, source="embedding").json()["recommendations"]

    similarities = [product["similarity"] for product in found]
    assert len(found) == 3
    assert similarities == sorted(similarities, reverse=True)
    assert {product["product_id"] for product in found} >= {"mug", "pot"}


def test_an_explanation_names_the_live_events(api: Api) -> None:
    events = api.get("/api/user/ann/explain").json()["events"]

    assert {event["message_id"] for event in events} == {"v-mug", "v-pot"}
    assert sum(event["share"] for event in events) == pytest.approx(1)


@pytest.mark.parametrize("what", ["embedding", "similar", "explain"])
def test_nothing_is_told_of_a_user_who_is_not_known(api: Api, what: str) -> None:
    answer = api.get(f"/api/user/nobody/{what}")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:penchant:problem:unknown-user")


def test_a_user_whose_products_are_all_unknown_is_known_and_everything_told_is_empty(api: Api) -> None:
    assert api.post("/api/user/eve/product/unheard-of/view", {}).status_code == 202
    wait_until(lambda: api.get("/api/user/eve/embedding").is_success, DEADLINE_SECONDS, "the event to be settled")

    embedding, events, users = (
        api.get(f"/api/user/eve/{what}").json()[member]
        for what, member in [("embedding", "embedding"), ("explain", "events"), ("similar", "users")]
    )

    assert (embedding, events, users) == (None, [], [])
    assert api.get("/api/user/eve/recommendations", source="embedding").json()["recommendations"] == []


def test_to_a_user_who_is_not_known_what_is_popular_is_recommended(api: Api) -> None:
    answer = api.get("/api/user/nobody/recommendations")

    [first, *_] = answer.json()["recommendations"]
    assert (answer.status_code, first["similarity"], first["reason"]["source"]) == (200, None, "popular")


def test_a_recommendation_says_why(api: Api) -> None:
    [first, *_] = api.get("/api/user/ann/recommendations", source="embedding", limit=1).json()["recommendations"]

    assert first["ranks"] == {"embedding": 1}
    assert first["reason"]["product_id"] in {"mug", "pot"}
    assert first["reason"]["event_type"] == "view"
    assert first["reason"]["occurred_at"].endswith("Z")


def test_similar_users_and_products_are_told(api: Api) -> None:
    assert api.get("/api/user/ann/similar").status_code == 200
    [nearest, *_] = api.get("/api/product/mug/similar").json()["products"]
    assert nearest["product_id"] != "mug"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/product/nothing/similar", "unknown-product"),
        ("/api/user/ann/recommendations?source=bought_with", "unknown-source"),
        ("/api/user/ann/recommendations?where=color:red", "unknown-attribute"),
        ("/api/product/mug/similar?where=color:red", "unknown-attribute"),
    ],
)
def test_what_is_not_there_is_not_found(api: Api, path: str, kind: str) -> None:
    answer = api.client.get(path)

    assert (answer.status_code, answer.json()["type"]) == (404, f"urn:penchant:problem:{kind}")


def test_only_some_products_may_be_wanted(api: Api) -> None:
    answer = api.client.get("/api/user/ann/recommendations?source=embedding&among=mug&among=pot&among=unknown")

    assert {product["product_id"] for product in answer.json()["recommendations"]} == {"mug", "pot"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("where=size:S", {"pot", "cup"}),
        ("where=colour:red&where=size:S", {"pot"}),
        ("where=colour:red&where=colour:blue", {"pot", "mug"}),
        ("where=colour:a%3Ab", {"pot"}),
        ("where=size:S&among=cup&among=tea", {"cup"}),
        ("where=size:M", set()),
    ],
)
def test_only_products_with_some_attributes_may_be_wanted(api: Api, query: str, found: set[str]) -> None:
    answer = api.client.get(f"/api/user/ann/recommendations?source=embedding&{query}")

    assert {product["product_id"] for product in answer.json()["recommendations"]} == found


def test_similar_products_may_be_of_some_attributes_only(api: Api) -> None:
    answer = api.client.get("/api/product/mug/similar?where=size:S")

    assert {product["product_id"] for product in answer.json()["products"]} == {"pot", "cup"}


@pytest.mark.parametrize("query", ["where=", "where=colour", "where=colour:", "where=:red", "where=colour%3Dred"])
@pytest.mark.parametrize("path", ["/api/user/ann/recommendations", "/api/product/mug/similar"])
def test_a_condition_that_is_none_is_refused_with_an_example(api: Api, path: str, query: str) -> None:
    answer = api.client.get(f"{path}?{query}")

    assert (answer.status_code, answer.json()["field"]) == (422, "where")
    assert answer.json()["remedy"] == "send name:value, such as colour:red"


@pytest.mark.parametrize(
    ("query", "detail"), [("among=", "among has 0 characters"), ("among=a&" * 1_001, "1001 times")]
)
def test_wanted_products_that_cannot_be_are_refused(api: Api, query: str, detail: str) -> None:
    answer = api.client.get(f"/api/user/ann/recommendations?{query}")

    assert (answer.status_code, answer.json()["field"]) == (422, "among")
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("source", "magic", "send one of embedding, bought_with, popular"),
        ("diversity", "2", "send 0 to 1"),
        ("diversity", "nan", "send 0 to 1"),
        ("diversity", "much", "send a number from 0 to 1"),
        ("with_bought", "yes", "send true or false"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_its_name(api: Api, name: str, value: str, remedy: str) -> None:
    answer = api.get("/api/user/ann/recommendations", **{name: value})

    assert (answer.status_code, answer.json()["field"]) == (422, name)
    assert answer.json()["detail"].endswith(remedy)


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1", "1.5", "", "٣", "9" * 5_000])
def test_a_limit_that_is_none_is_refused_by_its_name_and_in_our_words(api: Api, limit: str) -> None:
    answer = api.get("/api/user/ann/explain", limit=limit)

    assert (answer.status_code, answer.json()["field"]) == (422, "limit")
    assert answer.json()["detail"] == f"limit is {limit[:40]!r}; send 1 to 1000"


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (
            "/api/product/mug/similar?lmit=1",
            "lmit is not a parameter of this request; the parameters are limit, where",
        ),
        ("/api/user/ann/embedding?limit=1&at=x", "limit is not a parameter of this request; the parameters are at"),
        ("/metrics?%C3%A9=", "\\xe9 is not a parameter of this request; leave it out"),
        ("/api/user/ann/explain?limit=abc&limit=3", "limit comes 2 times; send it once"),
    ],
)
def test_a_parameter_that_is_not_known_or_comes_twice_is_refused_by_its_name(api: Api, path: str, detail: str) -> None:
    answer = api.client.get(path)

    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


def test_an_event_takes_no_parameters_and_a_probe_does_not_look_at_them(api: Api) -> None:
    detail = "user_id is not a parameter of this request; leave it out"
    assert api.post("/events?user_id=ann", {}).json()["detail"] == detail
    assert api.client.get("/health?from=balancer").status_code == 200


def test_the_process_says_that_it_lives_and_is_ready(api: Api) -> None:
    assert api.get("/health").json() == {"status": "ok"}
    assert api.get("/ready").json() == {
        "status": "ready",
        "parts": [{"part": part, "health": "ok"} for part in ("log", "recipe", "user embeddings")],
    }


@pytest.mark.parametrize(
    "path",
    ["/health", "/ready", "/openapi.json", "/rabbitmq/health", "/api/user/ann/explain", "/api/user/nobody/explain"],
)
def test_head_is_answered_as_get_is_and_without_a_body(api: Api, path: str) -> None:
    get, head = api.client.get(path), api.client.head(path)

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] != "0"
    assert api.get("/rabbitmq/health").json() == {"status": "no broker is configured", "queues": {}}


def test_the_description_is_counted_by_its_path_and_a_broker_that_there_is_not_is_not_shown(api: Api) -> None:
    def counted() -> float:
        [count] = re.findall(r'penchant_http_requests_total\{route="GET /openapi.json",status="200"\} (\S+)', metrics())
        return float(count)

    def metrics() -> str:
        return api.get("/metrics").text

    api.get("/openapi.json")
    before = counted()
    assert api.get("/openapi.json").status_code == api.client.head("/openapi.json").status_code == 200

    assert counted() == before + 2
    shown = metrics()
    assert 'penchant_up{part="log"} 1.0' in shown
    assert 'part="broker"' not in shown


def test_no_answer_may_be_kept_or_framed(api: Api) -> None:
    for answer in (api.get("/health"), api.get("/nothing"), api.post("/events", {})):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
