"""`penchant events import` and `products import`: files as they come."""

import csv
import io
import json
import random
import resource
from pathlib import Path

import pytest

from entrypoints.container import Container
from tests.integration.program import Program
from tests.integration.states import assert_same_states

Messages = list[dict[str, object]]

DAY = "2026-01-01T00:00:00Z"


def lines(records: list[dict[str, object]] | list[dict[str, str]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_a_shuffled_file_with_repeats_gives_the_same_embeddings_as_the_orderly_one(
    tmp_path: Path, real_messages: Messages, real_products: list[dict[str, str]]
) -> None:
    orderly = Program(home=tmp_path / "orderly", folder=tmp_path)
    shuffled = Program(home=tmp_path / "shuffled", folder=tmp_path)
    repeated = real_messages + real_messages[::10]
    random.Random(1).shuffle(repeated)
    for one, messages in ((orderly, real_messages), (shuffled, repeated)):
        one.ok("products", "import", "-", stdin=lines(real_products))
        report = one.ok("events", "import", "-", "--json", stdin=lines(messages)).json
        assert report["recorded"] == len(real_messages)
        assert report["refused"] == 0

    assert_same_states(orderly, shuffled)
    assert shuffled.ok("verify", "--all", "--json").json["mismatches"] == 0


def test_importing_a_file_again_changes_nothing(program: Program, real_messages: Messages) -> None:
    program.ok("events", "import", "-", stdin=lines(real_messages[:500]))

    report = program.ok("events", "import", "-", "--json", stdin=lines(real_messages[:500])).json

    assert (report["recorded"], report["repeated"], report["refused"]) == (0, 500, 0)


def test_csv_and_json_lines_say_the_same(tmp_path: Path, real_messages: Messages) -> None:
    messages = real_messages[:300]
    names = sorted({name for message in messages for name in message})
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(messages)
    file = tmp_path / "events.csv"
    file.write_text(text.getvalue())
    program = Program(home=tmp_path / "home", folder=tmp_path)

    program.ok("events", "import", "-", stdin=lines(messages))
    report = program.ok("events", "import", str(file), "--json").json

    assert (report["recorded"], report["repeated"], report["refused"]) == (0, 300, 0)


def test_bad_lines_are_reported_and_kept_and_the_rest_goes_on(program: Program, container: Container) -> None:
    good = {
        "message_id": "m1",
        "user_id": 7,
        "event_type": "view",
        "product_id": "p",
        "occurred_at": "2026-01-01T00:00:00Z",
    }
    file = program.folder / "events.jsonl"
    bad = [
        b"{not json}",
        b"[1, 2]",
        json.dumps(good | {"message_id": None}).encode(),
        json.dumps(good | {"message_id": "m2", "event_type": "dance"}).encode(),
        json.dumps(good | {"message_id": "m3", "colour": "red"}).encode(),
        json.dumps(good | {"message_id": "m4", "occurred_at": "2026-01-01T00:00:00"}).encode(),
        json.dumps(good | {"message_id": "m5", "user_id": True}).encode(),
        b'{"message_id": "m6", "user_id": "\xff"}',
        json.dumps(good | {"message_id": "m7", "product_id": "\ud800"}).encode(),
        b"[" * 100_000,
        b'"' + b"x" * 2_000_000 + b'"',
        json.dumps(
            {"message_id": "m8", "user_id": "7", "retracts": "nothing", "occurred_at": "2026-01-01T00:00:00Z"}
        ).encode(),
        json.dumps(good | {"message_id": "m1", "product_id": "q"}).encode(),
    ]
    file.write_bytes(b"\n".join([json.dumps(good).encode(), *bad, json.dumps(good | {"message_id": "m9"}).encode()]))

    outcome = program.run("events", "import", str(file), "--json")

    assert outcome.code == 1
    assert (outcome.json["recorded"], outcome.json["refused"]) == (2, len(bad))
    rejects = [json.loads(line) for line in Path(outcome.json["rejects_file"]).read_text().splitlines()]
    assert sorted(reject["line"] for reject in rejects) == list(range(2, len(bad) + 2))
    assert all(reject["reason"] for reject in rejects)
    assert "line 2: line is not JSON" in outcome.stderr
    assert container.event_log().count() == 2


def test_a_retraction_may_stand_before_its_event_in_the_file(program: Program) -> None:
    event = {
        "message_id": "m1",
        "user_id": "u",
        "event_type": "view",
        "product_id": "p",
        "occurred_at": "2026-01-01T00:00:00Z",
    }
    taken_back = {"message_id": "m2", "user_id": "u", "retracts": "m1", "occurred_at": "2026-01-02T00:00:00Z"}

    report = program.ok("events", "import", "-", "--json", stdin=lines([taken_back, event])).json

    assert (report["recorded"], report["refused"]) == (2, 0)


@pytest.mark.parametrize("kind", ["events", "products"])
def test_an_unreadable_file_is_one_sentence(program: Program, kind: str) -> None:
    for path in ("nowhere.jsonl", "."):
        outcome = program.run(kind, "import", path)

        assert outcome.code == 2
        assert "cannot be read" in outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_a_bad_product_is_reported_and_the_rest_goes_on(program: Program) -> None:
    records = [
        {"product_id": "a", "text": "red mug"},
        {"product_id": "", "text": "x"},
        {"product_id": "b", "text": "   "},
        {"product_id": "c"},
        {"text": "nameless"},
        {"product_id": "d", "text": "spade", "vector": [1]},
        {"product_id": 5, "text": "garden fork"},
    ]

    outcome = program.run("products", "import", "-", "--json", stdin=lines(records))

    assert outcome.code == 1
    assert (outcome.json["added"], outcome.json["refused"]) == (2, 5)


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(
    program: Program, container: Container, real_messages: Messages
) -> None:
    program.ok("setup")
    size = sum(file.stat().st_size for file in program.home.iterdir())

    def leave_no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, size + 100_000))

    outcome = program.process("events", "import", "-", stdin=lines(real_messages), before=leave_no_room)

    assert outcome.code == 1
    assert "no room left" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    log = container.event_log()
    assert log.count() == sum(head for _, head in log.heads(None, 10_000)) == container.outbox().depth()
    report = program.ok("events", "import", "-", "--json", stdin=lines(real_messages)).json
    assert report["recorded"] + report["repeated"] == len(real_messages)
    assert program.ok("verify", "--all", "--json").json["mismatches"] == 0


def test_a_quote_that_is_never_closed_costs_one_line_and_not_the_rest(program: Program) -> None:
    rows = [f"p{n},product {n}" for n in range(3_000)]
    rows[1] = 'p1,"a quote that is never closed'
    rows[2] = "p2,one,two"
    text = "product_id,text\n" + "\n".join(rows) + "\n"
    (program.folder / "products.csv").write_text(text)

    outcome = program.run("products", "import", "products.csv", "--json")

    assert (outcome.code, outcome.json["added"], outcome.json["refused"]) == (1, 2_998, 2)
    rejects = [
        json.loads(line) for line in Path(program.folder / outcome.json["rejects_file"]).read_text().splitlines()
    ]
    assert [(reject["line"], reject["record"]) for reject in rejects] == [(3, rows[1]), (4, rows[2])]


def test_a_field_may_hold_quotes_commas_and_line_ends(program: Program) -> None:
    text = 'product_id,text\nmug,"a ""red"" mug, for\ntwo"\n'

    assert program.ok("products", "import", "-", "--format", "csv", "--json", stdin=text).json["added"] == 1


@pytest.mark.parametrize("header", ["product_id;text", "product_id,text,price", "text,text"])
def test_a_wrong_header_is_one_error_and_imports_nothing(program: Program, header: str) -> None:
    outcome = program.run("products", "import", "-", "--format", "csv", stdin=f"{header}\nmug,red mug\n")

    assert outcome.code == 2
    assert "The first line of -" in outcome.stderr
    assert program.ok("stats", "--json").json["products"] == 0


def test_a_byte_order_mark_is_no_part_of_the_input(program: Program) -> None:
    text = b"\xef\xbb\xbfproduct_id,text\nmug,red mug\n"

    assert program.ok("products", "import", "-", "--format", "csv", "--json", stdin=text).json["added"] == 1


def test_a_rejects_file_that_cannot_be_written_is_one_sentence(program: Program) -> None:
    (program.folder / "products.csv.rejects.jsonl").mkdir()
    (program.folder / "products.csv").write_text("product_id,text\nmug,\n")

    outcome = program.run("products", "import", "products.csv")

    assert outcome.code == 2
    assert "cannot be written" in outcome.stderr


def test_a_clean_import_takes_an_old_rejects_file_away(program: Program) -> None:
    file = program.folder / "products.csv"
    for text, left in (("mug,\n", True), ("mug,red mug\n", False)):
        file.write_text("product_id,text\n" + text)
        program.run("products", "import", "products.csv")
        assert (program.folder / "products.csv.rejects.jsonl").exists() is left


def test_the_import_says_how_many_events_wait_for_products(program: Program) -> None:
    event = {"message_id": "m1", "user_id": "u", "event_type": "view", "product_id": "unheard", "occurred_at": DAY}

    assert program.ok("events", "import", "-", "--json", stdin=lines([event])).json["waiting"] == 1
    assert "unheard" in program.ok("stats").stdout


LATIN = "café".encode("latin-1")


@pytest.mark.parametrize(
    ("name", "head"), [("events.jsonl", b""), ("events.csv", b"message_id,user_id,product_id,event_type,occurred_at\n")]
)
def test_what_is_not_utf8_is_one_sentence_with_file_line_and_remedy(program: Program, name: str, head: bytes) -> None:
    rows = [b'{"user_id": "' + LATIN + b'"}', b"m1,ann," + LATIN + b",view,2026-01-01T00:00:00Z"]
    (program.folder / name).write_bytes(head + rows[bool(head)] + b"\n" + rows[bool(head)] + b"\n")

    outcome = program.run("events", "import", name, "--json")

    [said] = outcome.stderr.splitlines()
    assert (outcome.code, outcome.json["refused"]) == (1, 2)
    assert said.startswith(f"line {2 if head else 1}: line is not UTF-8; convert {name} ")
    assert "iconv" in said


def test_a_header_that_is_not_utf8_imports_nothing_and_says_why(program: Program) -> None:
    (program.folder / "events.csv").write_bytes("message_id,user_id\nm1,ann\n".encode("utf-16"))

    outcome = program.run("events", "import", "events.csv")

    assert outcome.code == 2
    assert "events.csv, line 1: line is not UTF-8" in outcome.stderr
    assert "iconv" in outcome.stderr


def test_an_import_whose_events_cannot_be_applied_keeps_its_counts(program: Program) -> None:
    event = {"user_id": "u", "event_type": "view", "product_id": "tea", "occurred_at": DAY}
    events = [event | {"message_id": f"m{number}"} for number in range(4_100)]  # so that a batch fails on the way, too
    away = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100"

    outcome = program.run("events", "import", "-", "--json", stdin=lines(events), MONGODB_URL=away)

    assert (outcome.code, outcome.json["recorded"]) == (1, 4_100)
    assert "MONGODB_URL" in outcome.json["trouble"]
    assert "not applied yet" in outcome.stderr


def test_an_import_with_a_broker_says_that_its_events_are_on_their_way(program: Program) -> None:
    event = {"message_id": "m1", "user_id": "u", "event_type": "search", "search_phrase": "tea", "occurred_at": DAY}

    said = program.ok("events", "import", "-", stdin=lines([event]), RABBITMQ_DSN="memory://").stdout
    again = program.ok("events", "import", "-", stdin=lines([event]), RABBITMQ_DSN="memory://").stdout
    asked = program.run("profile", "show", "u")

    assert said == "1 recorded, 0 repeated, 0 refused; on their way to the workers\n"
    assert again == "0 recorded, 1 repeated, 0 refused\n"
    assert (asked.code, "has 1 events that are recorded and on their way" in asked.stderr) == (2, True)
    assert "start a worker" in asked.stderr
