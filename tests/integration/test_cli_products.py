"""`penchant products import` with attributes and own vectors, and what follows from them."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.attributes import attributes_of
from entrypoints.container import Container
from tests.documents import ROOT, Document
from tests.integration.program import Program
from tests.services.openai_stub import OpenaiStub

SHELF: list[dict[str, Any]] = [
    {"product_id": "mug", "text": "blue mug", "attributes": {"colour": "blue", "size": ["S", "M"], "sold": True}},
    {"product_id": "cup", "text": "red cup", "attributes": {"colour": "red", "size": "S", "price": 7.0}},
    {"product_id": "pot", "text": "red pot", "attributes": {"colour": ["red", "white"], "price": 7.5}},
    {"product_id": "tin", "text": "old tin"},
]


def lines(records: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def _ids(program: Program, *command: str) -> set[str]:
    found = program.ok(*command, "--json").json["recommendations" if command[0] == "recommend" else "products"]
    return {product["product_id"] for product in found}


def _rejected(program: Program, path: str) -> list[tuple[int, str]]:
    rejects = (json.loads(line) for line in Path(program.folder / path).read_text().splitlines())
    return [(reject["line"], reject["reason"]) for reject in rejects]


@pytest.fixture
def shop(program: Program) -> Program:
    """A shelf of products, of which ann has bought one."""
    program.ok("products", "import", "-", stdin=lines(SHELF))
    program.ok("record", "--user", "ann", "--event", "purchase", "--product", "mug")
    return program


def test_csv_and_json_lines_say_the_same_of_attributes(shop: Program) -> None:
    rows = ("product_id,attributes.size,text,attributes.colour", "cup,S,red cup,red", "tin,,old tin,")
    (shop.folder / "products.csv").write_text("\n".join(rows) + "\n")
    same = [{"product_id": "cup", "text": "red cup", "attributes": {"colour": "red", "size": "S"}}, SHELF[3]]

    shop.ok("products", "import", "products.csv")
    report = shop.ok("products", "import", "-", "--json", stdin=lines(same)).json

    assert (report["unchanged"], report["changed"], report["refused"]) == (2, 0, 0)


def test_other_attributes_change_a_product_and_rebuild_nobody(shop: Program, container: Container) -> None:
    again = [{**SHELF[0], "attributes": {"colour": "green"}}, *SHELF[1:]]

    report = shop.ok("products", "import", "-", "--json", stdin=lines(again)).json

    assert (report["changed"], report["unchanged"], report["users_rebuilt"]) == (1, 3, 0)
    assert container.catalogue().read(["mug"])["mug"].product.attributes == attributes_of({"colour": ["green"]})
    assert _ids(shop, "recommend", "bob", "--where", "colour=green") == {"mug"}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (["colour=red"], {"cup", "pot"}),
        (["colour=red", "size=S"], {"cup"}),
        (["colour=red", "colour=blue"], {"cup", "pot"}),  # the blue one is bought
        (["price=7"], {"cup"}),
        (["price=7.5"], {"pot"}),
        (["sold=true"], set()),
        (["colour=Red"], set()),
    ],
)
def test_recommendations_keep_to_a_filter(shop: Program, where: list[str], found: set[str]) -> None:
    options = [option for condition in where for option in ("--where", condition)]

    assert _ids(shop, "recommend", "ann", *options) == found


def test_a_filter_and_a_list_of_products_must_both_allow_a_product(shop: Program) -> None:
    options = ("--among", "cup", "--among", "tin", "--where", "colour=red")

    assert _ids(shop, "recommend", "ann", *options) == {"cup"}


def test_similar_products_keep_to_a_filter(shop: Program) -> None:
    assert _ids(shop, "similar", "mug", "--where", "colour=red") == {"cup", "pot"}
    assert "no other product in the catalogue with these" in shop.ok("similar", "mug", "--where", "sold=true").stdout


@pytest.mark.parametrize("command", [("recommend", "ann"), ("similar", "mug")])
def test_a_name_that_no_product_has_is_an_error_that_says_which_there_are(
    shop: Program, command: tuple[str, ...]
) -> None:
    outcome = shop.run(*command, "--where", "color=red")

    assert outcome.code == 2
    assert "asks for 'color', which no product has; the attributes are colour, price, size, sold" in outcome.stderr


def test_a_value_that_no_product_has_is_said_to_be_the_reason(shop: Program) -> None:
    for user in ("ann", "bob"):
        outcome = shop.ok("recommend", user, "--where", "colour=rad")

        assert outcome.stdout.strip() == "None of the products that are wanted has these attributes."


def test_a_condition_that_is_none_is_an_error_with_an_example(shop: Program) -> None:
    assert "where is 'red'; send name=value, such as colour=red" in shop.run("similar", "mug", "--where", "red").stderr


def test_attributes_that_cannot_be_are_refused_with_line_and_remedy(program: Program) -> None:
    wrong = [
        "red",
        {"a:b": "red"},
        {"colour": ""},
        {"colour": {"name": "red"}},
        {"size": list(range(101))},
    ]
    records = [{"product_id": f"p{n}", "text": "x", "attributes": attributes} for n, attributes in enumerate(wrong)]

    outcome = program.run("products", "import", "-", "--json", stdin=lines([*records, SHELF[0]]))

    assert (outcome.code, outcome.json["added"], outcome.json["refused"]) == (1, 1, 5)
    assert _rejected(program, outcome.json["rejects_file"]) == [
        (1, 'attributes is not an object; send an object such as {"colour": "red", "size": ["S", "M"]}'),
        (2, "attributes has the name 'a:b'; send names without = and :"),
        (3, "attributes.colour has 0 characters; send 1 to 256, or leave it out"),
        (4, "attributes.colour is dict; send text, a number, true, false, or a list of these"),
        (5, "attributes has 101 values; send at most 100"),
    ]


@pytest.mark.parametrize("header", ["product_id,text,colour", "product_id,attributes", "product_id,text,embedding"])
def test_a_column_that_is_none_is_named_beside_those_that_there_are(program: Program, header: str) -> None:
    outcome = program.run("products", "import", "-", "--format", "csv", stdin=f"{header}\n")

    assert outcome.code == 2
    assert header.rpartition(",")[2] in outcome.stderr
    assert "which are product_id, text, attributes.NAME" in " ".join(outcome.stderr.split())


def _own() -> dict[str, Any]:
    return {"product_id": "lamp", "embedding": [float(n % 7 - 3) for n in range(256)]}


def test_a_product_with_a_vector_of_its_own_needs_no_text(shop: Program, container: Container) -> None:
    own = _own()
    shop.ok("record", "--user", "bob", "--event", "view", "--product", "lamp")

    report = shop.ok("products", "import", "-", "--json", stdin=lines([own])).json

    assert (report["added"], report["events_released"]) == (1, 1)
    stored = container.catalogue().read(["lamp"])["lamp"]
    assert np.allclose(stored.embedding * np.linalg.norm(own["embedding"]), own["embedding"], atol=1e-5)
    assert stored.product.text == "lamp"
    assert container.store().read(["bob"])["bob"].embedding @ stored.embedding == pytest.approx(1)
    assert "lamp" in _ids(shop, "similar", "mug")
    assert shop.ok("products", "import", "-", "--json", stdin=lines([own])).json["unchanged"] == 1


@pytest.mark.parametrize(
    ("embedding", "reason"),
    [
        ([1.0, 2.0], "embedding has 2 dimensions, not 256; use the model that the recipe names"),
        ([0] * 256, "embedding has length zero; send the product's vector, or only its text"),
        ("[1, 2]", "embedding is not a list of numbers; send plain numbers"),
        ([float("nan")] * 256, "embedding holds NaN or infinity; send finite numbers"),
    ],
    ids=["dimensions", "zero", "text", "nan"],
)
def test_a_vector_that_cannot_be_is_refused_with_line_and_remedy(
    program: Program, embedding: object, reason: str
) -> None:
    records = [SHELF[3], {"product_id": "lamp", "text": "a lamp", "embedding": embedding}]

    outcome = program.run("products", "import", "-", "--json", stdin=lines(records))

    assert (outcome.code, outcome.json["added"]) == (1, 1)
    assert _rejected(program, outcome.json["rejects_file"]) == [(2, reason)]


def test_a_change_of_the_model_leaves_own_vectors_behind_and_says_what_to_do(
    shop: Program, openai_stub: OpenaiStub
) -> None:
    other = {"OPENAI_API_KEY": openai_stub.api_key, "OPENAI_BASE_URL": openai_stub.url}
    shop.ok("products", "import", "-", stdin=lines([_own()]))
    shop.ok("record", "--user", "bob", "--event", "view", "--product", "lamp")

    said = shop.ok("recipe", "set", **other).stdout
    unknown = shop.run("similar", "lamp", **other).stderr
    refused = shop.run("products", "import", "-", stdin=lines([_own()]), **other).stderr
    report = shop.ok("products", "import", "-", "--json", stdin=lines([{**_own(), "embedding": [1.0] * 1536}]), **other)

    assert "1 products came with vectors of your own" in said
    assert "lamp" in said
    assert "'lamp' is not in the catalogue" in unknown
    assert "embedding has 256 dimensions, not 1536" in refused
    assert (report.json["changed"], report.json["users_rebuilt"]) == (1, 1)
    assert shop.ok("verify", "--all", "--json", **other).json["mismatches"] == 0


def test_an_evaluation_takes_files_with_attributes_and_own_vectors(
    program: Program, real_messages: list[dict[str, object]], real_products: list[dict[str, str]]
) -> None:
    (program.folder / "events.jsonl").write_text(lines(real_messages))
    described = [{**product, "attributes": {"colour": "red"}} for product in real_products]
    described[0]["embedding"] = _own()["embedding"]
    (program.folder / "products.jsonl").write_text(lines(described))

    outcome = program.ok("evaluate", "--from", "events.jsonl", "--products", "products.jsonl", "--json")

    assert outcome.json["candidates"] > 0
    assert "refused" not in outcome.stderr


@pytest.mark.slow
def test_the_commands_of_the_page_work_as_they_stand(program: Program) -> None:
    commands = Document(path=ROOT / "docs" / "products.md").blocks("sh")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", commands],
        cwd=program.folder,
        env={**program.environment(), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    before, _, similar = done.stdout.partition("Like product mug-1")
    recommended = before.rpartition("For user ann")[2]
    assert [id_ in recommended for id_ in ("pot-7", "mug-1", "cup-2", "tin-3")] == [True, False, False, False]
    assert [id_ in similar for id_ in ("pot-7", "mug-1", "cup-2", "tin-3")] == [False, False, True, True]
