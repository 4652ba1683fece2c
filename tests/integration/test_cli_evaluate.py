"""`penchant evaluate` on files, and `penchant tune`; test_demo.py has evaluate on all of the real data."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.program import Program

START = datetime(2024, 1, 1, tzinfo=UTC)
RANGES = ("tea cup", "garden hose", "wool scarf", "desk lamp", "bath towel", "toy train", "pasta bowl", "mountain bike")
KNOWN_BAD = (
    ('{"message_id": "x"}', "occurred_at is missing"),
    ("nonsense", "line is not JSON"),
    (
        '{"message_id": "x", "user_id": "ann", "retracts": "y", "occurred_at": "2222-01-01T00:00:00Z"}',
        "occurred_at is in the future",
    ),
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
    assert in_place["settings"]["weights"] == {"search": 0.7, "view": 0.3, "click": 0.5, "purchase": 1.0}
    assert (in_place["at"], in_place["notes"]) == (from_files["at"], from_files["notes"])


@pytest.mark.slow
def test_a_page_is_written_that_needs_nothing_from_elsewhere(program: Program, files: tuple[str, ...]) -> None:
    outcome = program.ok("evaluate", *files, "--output", "a/report", "--k", "5")

    page = (program.folder / "a/report/evaluation.html").read_text()
    assert "The page is a/report/evaluation.html" in outcome.stdout
    assert (program.folder / "a/report/evaluation.png").read_bytes().startswith(b"\x89PNG")
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["evaluation.png"]
    assert "<script" not in page
    for text in (
        "half-life of embeddings 30.1 days",
        "hit rate@5",
        "coverage@5",
        "bestsellers, 14 days",
        "blend",
        "weights cannot be compared",
    ):
        assert text in page


@pytest.mark.slow
def test_people_see_a_table_a_target_and_what_follows(program: Program, files: tuple[str, ...]) -> None:
    shown = program.ok("evaluate", *files).stdout

    assert re.search(r"Learned from [\d,]+ events of \d+ users before 20\d\d-", shown)
    for text in (
        "Judged as it is set: half-life of embeddings 30.1 days",
        "Discoveries: bought after",
        "First discovery: the first",
        "Repeats: bought before",
        "hit rate",
        "coverage",
    ):
        assert text in shown
    assert re.search(r"For discoveries, (the blend( without graph)?|.* alone) is ", shown)


@pytest.mark.slow
def test_bad_lines_are_told_and_left_out(program: Program, files: tuple[str, ...]) -> None:
    whole = program.ok("evaluate", *files, "--json").json
    with (program.folder / "events.jsonl").open("a") as file:
        file.write("".join(line + "\n" for line, _ in KNOWN_BAD))

    outcome = program.ok("evaluate", *files, "--json")

    assert outcome.json == whole
    assert f"{len(KNOWN_BAD)} lines of events.jsonl are refused and left out" in outcome.stderr
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
@pytest.mark.parametrize("command", ["evaluate", "tune"])
def test_what_is_missing_is_one_sentence(program: Program, command: str, arguments: tuple[str, ...], said: str) -> None:
    purchases = [
        {
            "message_id": f"m{number}",
            "user_id": "ann",
            "event_type": "purchase",
            "product_id": f"p{number % 3}",
            "occurred_at": f"2024-01-{number + 1:02}T12:00:00Z",
        }
        for number in range(10)
    ]
    _write(program, "few.jsonl", purchases)
    _write(program, "empty.jsonl", [])
    _write(program, "products.jsonl", [{"product_id": f"p{number}", "text": f"mug {number}"} for number in range(3)])

    outcome = program.run(command, *arguments)

    assert outcome.code == 2
    assert said in outcome.stderr
    assert outcome.stderr.count("penchant: ") == 1 + (
        0 if "--from" in arguments else outcome.stderr.count("Nothing has been recorded")
    )
    assert "Traceback" not in outcome.stderr
    assert outcome.stdout == ""


@pytest.fixture
def fashions(program: Program) -> tuple[str, ...]:
    """The options that name the files of a shop in which all move on to something else every 20 days."""
    draw = np.random.default_rng(3)
    purchases = []
    for user in range(50):
        order = draw.permutation(len(RANGES))
        for day in range(100):
            about, number = order[(day + 10) // 20], draw.integers(20)
            purchases.append(
                {
                    "message_id": f"u{user}-{day}",
                    "user_id": f"u{user}",
                    "event_type": "purchase",
                    "product_id": f"p{about}-{number}",
                    "occurred_at": f"{START + timedelta(days=day + draw.random()):%Y-%m-%dT%H:%M:%SZ}",
                }
            )
    products = [
        {"product_id": f"p{about}-{number}", "text": f"{text} {number}"}
        for about, text in enumerate(RANGES)
        for number in range(20)
    ]
    events = _write(program, "fashions.jsonl", purchases)
    return "--from", events, "--products", _write(program, "ranges.jsonl", products)


@pytest.mark.slow
def test_what_tune_prints_sets_what_it_found(program: Program, fashions: tuple[str, ...]) -> None:
    outcome = program.ok("tune", *fashions)
    assert "What was found is better than what is set" in outcome.stdout
    assert outcome.stderr == ""
    assert not program.home.exists()
    program.ok("products", "import", "ranges.jsonl")
    program.ok("events", "import", "fashions.jsonl")

    tuned = program.ok("tune", "--json").json

    assert tuned["verdict"] == "change"
    assert tuned["found"]["half_life_days"] <= 7
    command, *exports = tuned["to_set_it"]
    assert f"  {command}\n" in outcome.stdout
    program.ok(*command.removeprefix("penchant ").split())
    variables = dict(line.removeprefix("export ").split("=") for line in exports)
    again = program.ok("tune", "--json", **variables).json
    assert again["now"] == tuned["found"]
    assert (again["verdict"], again["to_set_it"]) == ("keep", [])
    assert program.ok("recipe", "show", "--json").json["half_life_days"] == tuned["found"]["half_life_days"]


@pytest.mark.slow
def test_people_see_what_was_tried_and_how_it_did(program: Program, fashions: tuple[str, ...]) -> None:
    shown = program.ok("tune", *fashions, "--graph", "--k", "5").stdout

    assert re.search(r"^\d+ settings were tried on 3 parts of the time before 20\d\d-", shown)
    for text in ("half-life of embeddings", "bought_with in the blend", "hit rate@5", "as set now", "as found"):
        assert text in shown
    assert "weight of a" not in shown
    assert re.search(r"(Nothing beats popularity|Keep what is set|What was found is better)", shown)


def test_an_output_that_cannot_be_written_is_one_sentence(program: Program, files: tuple[str, ...]) -> None:
    Path(program.folder / "taken").write_text("a file")

    outcome = program.run("evaluate", *files, "--k", "5", "--output", "taken")

    assert outcome.code == 2
    assert "taken cannot be written" in outcome.stderr
