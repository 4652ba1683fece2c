"""The questions of docs/vectors.md, word by word, with curl and with qdrant-client."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.documents import ROOT, Document
from tests.integration.document_shell import DocumentShell
from tests.integration.program import Program
from tests.services.qdrant import QdrantServer

pytestmark = pytest.mark.slow

PAGE = Document(path=ROOT / "docs" / "vectors.md")
DAY = "2026-05-01T12:00:00"
PRODUCTS = {
    "85123A": "White heart tea light holder",
    "pot-1": "Blue teapot",
    "pot-2": "Glass teapot",
    "lamp": "Desk lamp",
}
DEEDS = {"17850": ("85123A", "pot-1"), "ben": ("pot-1", "pot-2"), "cat": ("lamp", "85123A"), "once": ("pot-1",)}
"""What each user has viewed, in this order."""


@pytest.fixture(scope="module", name="shell")
def shell_on_an_index(qdrant_server: QdrantServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentShell]:
    """A shell beside an index of a small shop, which the commands of the page have filled."""
    folder = tmp_path_factory.mktemp("vectors")
    program = Program(home=folder / "home", folder=folder)
    program.ok("products", "import", "-", "--format", "jsonl", stdin=_lines(_products()))
    program.ok("events", "import", "-", "--format", "jsonl", stdin=_lines(_views()))
    qdrant_server.start()
    with qdrant_server.space() as url:
        shell = _shell(folder, url)
        shell.run("\n".join(command for command in _commands("Switch it on") if "worker" not in command))
        yield shell


def _shell(folder: Path, url: str) -> DocumentShell:
    server = urlsplit(url)
    return DocumentShell(
        folder=folder,
        addresses={"http://127.0.0.1:6333": f"http://{server.hostname}:{server.port}"},
        variables={"QDRANT_URL": url, "QDRANT_KEY": unquote(server.password or "")},
    )


def _commands(section: str) -> Sequence[str]:
    return [line for line in PAGE.blocks("sh", section).splitlines() if line.startswith("penchant ")]


def _lines(messages: Sequence[Mapping[str, str]]) -> str:
    return "".join(f"{json.dumps(message)}\n" for message in messages)


def _products() -> Sequence[Mapping[str, str]]:
    return [{"product_id": product_id, "text": text} for product_id, text in PRODUCTS.items()]


def _views() -> Sequence[Mapping[str, str]]:
    return [
        {
            "message_id": f"{user_id}-{product_id}",
            "user_id": user_id,
            "event_type": "view",
            "product_id": product_id,
            "occurred_at": f"{DAY}Z",
        }
        for user_id, viewed in DEEDS.items()
        for product_id in viewed
    ]


def _by_curl(shell: DocumentShell, question: str) -> Sequence[Mapping[str, str]]:
    """The payloads of the points that the question under this heading finds."""
    printed = shell.run(PAGE.blocks("sh", "Questions") + "\n" + PAGE.blocks("sh", question))
    return [point["payload"] for point in json.loads(printed)["result"]["points"]]


def _in_python(shell: DocumentShell, question: str) -> Sequence[Sequence[str]]:
    """The words of each line that the question under this heading prints, of whatever it warns."""
    asked = PAGE.blocks("python", "Questions") + "\n" + PAGE.blocks("python", question)
    return [line.split() for line in shell.run(f"python -W ignore - <<'END'\n{asked}\nEND").splitlines()]


def test_all_that_was_stored_before_is_in_the_index_by_the_commands_of_the_page(shell: DocumentShell) -> None:
    printed = shell.run("penchant verify --all --queue qdrant --json")

    proofs = json.loads(printed)
    assert {name: (proof["users"], proof["mismatches"], proof["lag"]) for name, proof in proofs.items()} == {
        "qdrant": (len(DEEDS), 0, 0),
        "qdrant_products": (len(PRODUCTS), 0, 0),
    }


def test_the_nearest_products_to_a_user(shell: DocumentShell) -> None:
    found = _by_curl(shell, "Nearest products to a user")
    lines = _in_python(shell, "Nearest products to a user")

    assert {product["product_id"]: product["text"] for product in found} == {
        id_: text for id_, text in PRODUCTS.items() if id_ != "85123A"
    }
    assert found[0]["product_id"] == "pot-1"
    assert [words[1] for words in lines] == ["pot-2", "lamp"]


def test_the_users_like_a_user(shell: DocumentShell) -> None:
    found = _by_curl(shell, "Users like this one")
    lines = _in_python(shell, "Users like this one")

    assert [user["user_id"] for user in found] == ["ben", "cat"]
    assert [words[1] for words in lines] == ["ben", "cat"]
    assert lines[0][2].startswith(DAY)


def test_the_users_who_lately_had_to_do_with_a_product(shell: DocumentShell) -> None:
    found = _by_curl(shell, "Users who lately had to do with a product")
    lines = _in_python(shell, "Users who lately had to do with a product")

    assert {user["user_id"] for user in found} == {"17850", "cat"}
    assert {words[0] for words in lines} == {"17850", "cat"}


def test_the_users_for_a_product_are_those_who_do_not_know_it(shell: DocumentShell) -> None:
    found = _by_curl(shell, "Users for a product")
    lines = _in_python(shell, "Users for a product")

    assert {user["user_id"] for user in found} == {"ben", "once"}
    assert {words[1] for words in lines} == {"ben", "once"}
