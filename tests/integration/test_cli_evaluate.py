"""`penchant evaluate` on files; test_demo.py has it on all of the real data."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.program import Program

KNOWN_BAD = (
    ('{"message_id": "x"}', "occurred_at is missing"),
    ("nonsense", "line is not JSON"),
)


def _write(program: Program, name: str, records: list[dict[str, Any]], *, more: str = "") -> str:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (program.folder / name).write_text(lines + more)
    return name


@pytest.fixture
def files(
    program: Program, real_messages: list[dict[str, object]], real_products: list[dict[str, str]]
) -> tuple[str, ...]:
    """The options that name the files of some real customers."""
    events = _write(program, "events.jsonl", real_messages)
    return "--from", events, "--products", _write(program, "products.jsonl", real_products)


@pytest.mark.slow
def test_files_give_what_the_log_gives_and_nothing_is_stored(program: Program, files: tuple[str, ...]) -> None:
    from_files = program.ok("evaluate", *files, "--json").json
    assert not program.home.exists()
    program.ok("products", "import", "products.jsonl")
    program.ok("events", "import", "events.jsonl")

    in_place = program.ok("evaluate", "--json").json

    assert in_place["candidates"] == from_files["candidates"]
    assert in_place["targets"] == from_files["targets"]
    assert (in_place["at"], in_place["notes"]) == (from_files["at"], from_files["notes"])


@pytest.mark.slow
def test_a_page_is_written_that_needs_nothing_from_elsewhere(program: Program, files: tuple[str, ...]) -> None:
    outcome = program.ok("evaluate", *files, "--output", "a/report", "--k", "5")

    page = (program.folder / "a/report/evaluation.html").read_text()
    assert "The page is a/report/evaluation.html" in outcome.stdout
    assert (program.folder / "a/report/evaluation.png").read_bytes().startswith(b"\x89PNG")
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["evaluation.png"]
    assert "<script" not in page
    for text in ("hit rate@5", "coverage@5", "popularity, 14 days", "blend", "weights cannot be compared"):
        assert text in page


@pytest.mark.slow
def test_people_see_a_table_a_target_and_what_follows(program: Program, files: tuple[str, ...]) -> None:
    shown = program.ok("evaluate", *files).stdout

    assert re.search(r"Learned from [\d,]+ events of \d+ users before 20\d\d-", shown)
    for text in (
        "Discoveries: bought after",
        "First discovery: the first",
        "Repeats: bought before",
        "hit rate",
        "coverage",
    ):
        assert text in shown
    assert re.search(r"For discoveries, (the blend|.* alone) is ", shown)


@pytest.mark.slow
def test_bad_lines_are_told_and_left_out(program: Program, files: tuple[str, ...]) -> None:
    whole = program.ok("evaluate", *files, "--json").json
    with (program.folder / "events.jsonl").open("a") as file:
        file.write("".join(line + "\n" for line, _ in KNOWN_BAD))

    outcome = program.ok("evaluate", *files, "--json")

    assert outcome.json == whole
    assert "2 lines of events.jsonl are refused and left out" in outcome.stderr
    for _, reason in KNOWN_BAD:
        assert reason in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "events are missing"),
        (("--from", "few.jsonl"), "--from and --products go together"),
        (("--from", "none.jsonl", "--products", "products.jsonl"), "none.jsonl cannot be read"),
        (("--from", "empty.jsonl", "--products", "products.jsonl"), "events are missing"),
        (("--from", "few.jsonl", "--products", "products.jsonl"), "users are too few"),
        (("--from", "few.jsonl", "--products", "empty.jsonl"), "products have no vector"),
        (("--from", "few.jsonl", "--products", "products.jsonl", "--at", "2001-01-01T00:00:00Z"), "no purchase before"),
        (("--from", "few.jsonl", "--products", "products.jsonl", "--at", "2091-01-01T00:00:00Z"), "no purchase after"),
        (("--at", "yesterday"), "at is 'yesterday', not a time"),
    ],
)
def test_what_is_missing_is_one_sentence(program: Program, arguments: tuple[str, ...], said: str) -> None:
    purchases = [
        {
            "message_id": f"m{number}",
            "user_id": "ann",
            "event_type": "purchase",
            "product_id": f"p{number % 3}",
            "occurred_at": f"2026-01-{number + 1:02}T12:00:00Z",
        }
        for number in range(10)
    ]
    _write(program, "few.jsonl", purchases)
    _write(program, "empty.jsonl", [])
    _write(program, "products.jsonl", [{"product_id": f"p{number}", "text": f"mug {number}"} for number in range(3)])

    outcome = program.run("evaluate", *arguments)

    assert outcome.code == 2
    assert said in outcome.stderr
    assert outcome.stderr.count("penchant: ") == 1 + outcome.stderr.count("Nothing has been recorded")
    assert "Traceback" not in outcome.stderr
    assert outcome.stdout == ""


def test_an_output_that_cannot_be_written_is_one_sentence(program: Program, files: tuple[str, ...]) -> None:
    Path(program.folder / "taken").write_text("a file")

    outcome = program.run("evaluate", *files, "--k", "5", "--output", "taken")

    assert outcome.code == 2
    assert "taken cannot be written" in outcome.stderr
