"""Events over HTTP, on embedded parts: what is accepted is in the log, and soon in the embedding."""

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.builders import ODD_TEXTS
from tests.integration.http_api import Api, serving, starting
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.program import Program
from tests.services.ports import free_port
from tests.services.waiting import wait_until

PRODUCTS = {"tea": "green tea", "a/b": "blue mug", "pot": "red teapot"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One API for the module; each test has users of its own."""
    folder: Path = tmp_path_factory.mktemp("api")
    program = Program(home=folder / "home", folder=folder)
    lines = "".join(json.dumps({"product_id": key, "text": text}) + "\n" for key, text in PRODUCTS.items())
    (folder / "products.jsonl").write_text(lines)
    assert program.run("products", "import", "products.jsonl").code == 0
    with serving(starting(program)) as api:
        yield api


def view(user_id: str, **fields: Any) -> dict[str, Any]:
    return {"user_id": user_id, "event_type": "view", "product_id": "tea", **fields}


def test_an_event_is_accepted_and_moves_the_embedding(api: Api) -> None:
    answer = api.post("/events", view("ann", message_id="ann-1", properties={"page": 3}, user_session="s"))

    assert (answer.status_code, answer.json()) == (202, {"status": "Event queued", "message_id": "ann-1"})
    embedding = api.wait_for_embedding("ann", 1)
    assert (embedding["position"], len(embedding["embedding"]), embedding["focus"]) == (1, 256, pytest.approx(1))


def test_without_an_id_the_answer_has_one_that_is_safe_to_repeat(api: Api) -> None:
    message_id = api.post("/events", view("bea")).json()["message_id"]

    assert api.post("/events", view("bea", message_id=message_id)).status_code == 202
    assert api.post("/events", view("bea", message_id="bea-2")).status_code == 202
    api.wait_for_embedding("bea", 2)


def test_the_key_of_a_request_is_the_id_of_its_event(api: Api) -> None:
    first, again = (api.post("/events", view("cid"), **{"Idempotency-Key": "cid-1"}) for _ in range(2))
    other = api.post("/events", view("cid", product_id="pot"), **{"Idempotency-Key": "cid-1"})

    assert first.json() == again.json() == {"status": "Event queued", "message_id": "cid-1"}
    assert (other.status_code, other.json()["type"]) == (409, "urn:penchant:problem:conflict")


def test_the_same_request_from_many_at_once_is_one_event(api: Api) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api.post("/events", view("cat", message_id="cat-1")), range(40)))
    assert {answer.status_code for answer in answers} == {202}

    api.post("/events", view("cat", message_id="cat-2"))
    assert api.wait_for_embedding("cat", 2)["position"] == 2


def test_a_key_and_an_id_that_differ_are_refused(api: Api) -> None:
    answer = api.post("/events", view("dot", message_id="dot-1"), **{"Idempotency-Key": "dot-2"})

    assert (answer.status_code, answer.json()["field"]) == (400, "message_id")
    assert api.post("/events", view("dot", message_id=7), **{"Idempotency-Key": "7"}).status_code == 202


def test_a_repeat_without_a_time_is_no_conflict(api: Api) -> None:
    given = view("eve", message_id="eve-1", occurred_at="2026-01-31T12:00:00Z")

    assert api.post("/events", given).status_code == 202
    assert api.post("/events", view("eve", message_id="eve-1")).status_code == 202
    assert api.post("/events", {**given, "occurred_at": "2026-01-31T12:00:01Z"}).status_code == 409


def test_paths_say_who_did_what(api: Api) -> None:
    answers = [
        api.post("/api/user/flo/search", {"query": "red teapot", "message_id": "flo-1"}),
        api.post("/api/user/flo/product/tea/view", {"user_session": "s", "message_id": "flo-2"}),
        api.post("/api/user/flo/product/tea/click", **{"Idempotency-Key": "flo-3"}),
        api.post("/api/user/flo/product/a%2Fb/purchase"),
    ]

    assert [answer.status_code for answer in answers] == [202] * 4
    api.wait_for_embedding("flo", 4)
    events = api.get("/api/user/flo/explain").json()["events"]
    assert {(event["event_type"], event["product_id"] or event["search_phrase"]) for event in events} == {
        ("search", "red teapot"),
        ("view", "tea"),
        ("click", "tea"),
        ("purchase", "a/b"),
    }


def test_an_event_that_is_taken_back_does_not_count(api: Api) -> None:
    api.post("/events", view("gil", message_id="gil-1"))
    api.post("/events", view("gil", message_id="gil-2", product_id="pot"))

    first, again = (api.post("/api/user/gil/events/gil-1/retract") for _ in range(2))

    assert first.status_code == again.status_code == 202
    api.wait_for_embedding("gil", 1)


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/api/user/hal/events/nothing/retract", 404, "unknown-event"),
        ("/api/user/hal/product/tea/search", 404, "not-found"),
        ("/api/user/hal/product/a/b/view", 404, "not-found"),
        ("/api/user//product/tea/view", 404, "not-found"),
        (f"/api/user/{'x' * 129}/product/tea/view", 422, "invalid-value"),
        ("/api/user/%FF/product/tea/view", 422, "invalid-value"),
    ],
)
def test_a_path_that_names_nothing_is_refused(api: Api, path: str, status: int, kind: str) -> None:
    answer = api.post(path)

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:penchant:problem:{kind}")
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_the_log_does_not_take_is_told_with_field_and_remedy(api: Api) -> None:
    api.post(
        "/events/batch", [view("sue", message_id="sue-1"), {"user_id": "sue", "retracts": "sue-1", "message_id": 2}]
    )
    refused = [
        api.post("/events", view("sue", message_id="sue-1", product_id="pot")),
        api.post("/api/user/sue/events/nothing/retract"),
        api.post("/api/user/tom/events/sue-1/retract"),
        api.post("/api/user/sue/events/2/retract"),
    ]

    told = [answer.json() for answer in refused]

    assert [(problem["status"], problem["field"], problem["remedy"]) for problem in told] == [
        (409, "message_id", "send the same fields again, or another event with a new id"),
        (404, "retracts", "record that event first"),
        (409, "retracts", "send the right user"),
        (409, "retracts", "only an interaction can be taken back"),
    ]


@pytest.mark.parametrize("user_id", [*ODD_TEXTS, "a/../b", "%2e%2e", "?x=1#y", "a;b", "+", "%"])
def test_ids_of_any_characters_come_through_paths_unchanged(api: Api, user_id: str) -> None:
    path = f"/api/user/{quote(user_id, safe='')}"
    assert api.post(f"{path}/product/tea/view").status_code == 202

    assert api.wait_for_embedding(quote(user_id, safe=""), 1)["user_id"] == user_id


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/events", b"", "body is empty; send one event, a JSON object"),
        ("/events", b"{'user_id': 1}", "body is not JSON in UTF-8; send one event, a JSON object"),
        ("/events/batch", b" ", "body is empty; send a list of 1 to 1000 events"),
        ("/events/batch", b"[", "body is not JSON in UTF-8; send a list of 1 to 1000 events"),
    ],
)
def test_nothing_and_what_is_broken_are_told_apart(api: Api, path: str, body: bytes, detail: str) -> None:
    answer = api.client.post(path, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"event_type": "view", "product_id": "tea"}, "user_id"),
        (view("ida", event_type="gaze"), "event_type"),
        (view("ida", occurred_at="yesterday"), "occurred_at"),
        (view("ida", occurred_at="2126-01-31T12:00:00Z"), "occurred_at"),
        (view("ida", colour="red"), "colour"),
        (view("ida", search_phrase="tea"), "search_phrase"),
        (["not", "an", "object"], "body"),
    ],
)
def test_what_is_no_event_is_refused_by_the_name_of_the_field(api: Api, message: object, field: str) -> None:
    answer = api.post("/events", message)

    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["field"]) == (422, 422, field)
    assert problem["remedy"]
    assert api.get("/api/user/ida/embedding").status_code == 404


def test_a_batch_has_a_result_for_each_and_a_bad_one_fails_alone(api: Api) -> None:
    answer = api.post(
        "/events/batch",
        [
            view("jan", message_id="jan-1"),
            view("jan", message_id="jan-1"),
            view("jan", event_type="gaze"),
            "nothing",
            {"user_id": "jan", "retracts": "jan-0", "message_id": "jan-2"},
            {"user_id": "jan", "retracts": "jan-1", "message_id": "jan-3"},
            view("jan", message_id="jan-4"),
        ],
    )

    body = answer.json()
    assert (answer.status_code, body["accepted"], body["refused"]) == (202, 4, 3)
    assert [(item["message_id"], item["status"]) for item in body["results"]] == [
        ("jan-1", "recorded"),
        ("jan-1", "repeated"),
        (None, "refused"),
        (None, "refused"),
        ("jan-2", "refused"),
        ("jan-3", "recorded"),
        ("jan-4", "recorded"),
    ]
    assert [item["error"].get("field") for item in body["results"] if "error" in item] == [
        "event_type",
        "event",
        "retracts",
    ]
    api.wait_for_embedding("jan", 1)


def test_the_key_of_a_batch_makes_its_repeat_safe(api: Api) -> None:
    batch = [view("meg"), view("meg", message_id="meg-1"), view("meg", product_id="pot")]

    first, again = (api.post("/events/batch", batch, **{"Idempotency-Key": "cart"}).json() for _ in range(2))

    assert [item["message_id"] for item in first["results"]] == ["cart-0", "meg-1", "cart-2"]
    assert {item["status"] for item in again["results"]} == {"repeated"}
    api.wait_for_embedding("meg", 3)


def test_a_refused_item_keeps_its_id(api: Api) -> None:
    batch = [view("ned", message_id=7, event_type="gaze"), view("ned", message_id=["no", "id"])]

    results = api.post("/events/batch", batch).json()["results"]

    assert [item["message_id"] for item in results] == ["7", None]


def test_a_second_retraction_is_answered_with_the_id_of_the_first(api: Api) -> None:
    api.post("/events", view("oda", message_id="oda-1"))

    first, again = (api.post("/api/user/oda/events/oda-1/retract").json()["message_id"] for _ in range(2))

    assert first == again


def test_a_key_beyond_ascii_is_the_same_id_as_in_a_body(api: Api) -> None:
    header = {b"Content-Type": b"application/json", b"Idempotency-Key": "é-1".encode()}
    content = json.dumps(view("pia", message_id="é-1")).encode()

    answer = api.client.post("/events", content=content, headers=header)

    assert (answer.status_code, answer.json()["message_id"]) == (202, "é-1")


@pytest.mark.parametrize("headers", [{"Content-Type": "application/x-www-form-urlencoded"}, {"Origin": "https://evil"}])
def test_no_page_of_another_site_can_record_without_asking(api: Api, headers: dict[str, str]) -> None:
    for path in ("product/tea/purchase", "events/quy-1/retract"):
        assert api.client.post(f"/api/user/quy/{path}", headers=headers).status_code == 415
    asked = headers | {"Content-Type": "application/json"}
    assert api.client.post("/api/user/quy/product/tea/purchase", headers=asked).status_code == 202


@pytest.mark.parametrize("batch", [[], [view("kai")] * 1_001, {"events": []}])
def test_a_batch_of_nothing_or_of_too_much_is_refused(api: Api, batch: object) -> None:
    assert api.post("/events/batch", batch).status_code == 422


def test_a_body_that_does_not_say_that_it_is_json_is_refused(api: Api) -> None:
    form = api.client.post("/events", data={"user_id": "leo"})
    text = api.client.post("/events", content=b"{}", headers={"Content-Type": "text/plain"})
    broken = api.client.post("/events", content=b"{", headers={"Content-Type": "application/json; charset=utf-8"})

    assert [form.status_code, text.status_code, broken.status_code] == [415, 415, 422]


def test_a_packed_body_is_refused_as_such(api: Api) -> None:
    content, headers = gzip.compress(json.dumps(view("ray")).encode()), {"Content-Type": "application/json"}

    packed = api.client.post("/events", content=content, headers=headers | {"Content-Encoding": "gzip"})
    plain = api.client.post("/events", json=view("ray"), headers={"Content-Encoding": "identity"})

    assert (packed.status_code, packed.headers["accept-encoding"]) == (415, "identity")
    assert "Content-Encoding is 'gzip'" in packed.json()["detail"]
    assert plain.status_code == 202


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/events", "POST"), ("/health", "GET, HEAD"), ("/api/user/ann/explain", "GET, HEAD"), ("/metrics", "GET, HEAD")],
)
def test_other_methods_are_refused_by_name(api: Api, path: str, methods: str) -> None:
    answer = api.client.delete(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, methods)
    assert f"takes {methods}, and no DELETE" in answer.json()["detail"]


def test_a_load_is_sent_to_a_running_api_and_what_it_accepts_is_told(api: Api) -> None:
    program = _beside(api)

    told = program.ok("events", "generate", "--users", "3", "--events", "1100", "--http", api.url, "--json").json

    assert (told["recorded"], told["refused"], told["failed"]) == (1_100, 0, 0)
    wait_until(lambda: program.ok("stats", "--json").json["outbox"] == 0, DEADLINE_SECONDS, "all to be applied")
    embeddings = [api.get(f"/api/user/load-user-{user}/embedding").json() for user in range(3)]
    assert sum(embedding["event_count"] for embedding in embeddings) == 1_100


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:{free}", "The API at http://127.0.0.1:{free} cannot be reached"),
        ("{api}/elsewhere", "answers with 404"),
        ("http://ann:hush@127.0.0.1", "The URL of an API looks like"),
        ("127.0.0.1:8080", "The URL of an API looks like"),
    ],
)
def test_a_load_for_no_api_says_what_is_wrong(api: Api, url: str, said: str) -> None:
    names = {"free": free_port(), "api": api.url}

    outcome = _beside(api).run("events", "generate", "--events", "5", "--http", url.format(**names))

    assert outcome.code != 0
    assert said.format(**names) in " ".join(outcome.stderr.split())
    assert "hush" not in outcome.stderr


def _beside(api: Api) -> Program:
    """The program on the home of the API."""
    home = Path(api.process.environment["PENCHANT_HOME"])
    return Program(home=home, folder=home.parent)
