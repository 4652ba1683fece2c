"""The contracts in docs/contracts are those of the code, and well-formed."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from docs.contracts.documents import FOLDER, documents, text_of
from tests.contract.node import Node

COMMAND = "make contracts"
PROBLEM = "application/problem+json"
ANYWHERE = {"400", "408", "421", "431", "500", "503"}
BEHIND_KEYS = {"401", "403", "422", "429"}


@pytest.mark.parametrize("name", sorted(documents()))
def test_a_contract_is_the_one_that_the_code_makes(name: str) -> None:
    path = FOLDER / name

    written = path.read_text(encoding="utf-8") if path.exists() else ""

    assert written == text_of(documents()[name]), f"docs/contracts/{name} is stale; run: {COMMAND}"


def test_no_other_contract_is_kept() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(documents())


@pytest.mark.parametrize("name", sorted(name for name in documents() if name.endswith(".schema.json")))
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(documents()[name])


def test_each_operation_has_a_short_name_and_says_what_refusals_look_like() -> None:
    operations = [operation for path in documents()["openapi.json"]["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]

    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)] == []
    for operation in operations:
        refused = {status for status, answer in operation["responses"].items() if PROBLEM in answer["content"]}
        assert refused >= (ANYWHERE | BEHIND_KEYS if "security" in operation else ANYWHERE)


def test_the_asyncapi_document_keeps_to_the_official_schema(node: Node) -> None:
    assert json.loads(node.run("asyncapi.cjs", str(FOLDER / "asyncapi.json"))) == []


def test_a_document_that_does_not_keep_to_it_is_found(node: Node, tmp_path: Any) -> None:
    wrong = {**documents()["asyncapi.json"], "operations": {"x": {"action": "shout"}}}
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))

    assert json.loads(node.run("asyncapi.cjs", str(tmp_path / "wrong.json")))
