"""`penchant record` as a person uses it."""

import pytest

from tests.integration.program import Program

MUG, TEAPOT = '{"product_id": "mug", "text": "red mug"}', '{"product_id": "pot", "text": "blue teapot"}'


@pytest.fixture
def shop(program: Program) -> Program:
    program.ok("products", "import", "-", stdin=f"{MUG}\n{TEAPOT}\n")
    return program


def record(shop: Program, *arguments: str, code: int = 0) -> str:
    outcome = shop.run("record", *arguments)
    assert outcome.code == code, outcome.stderr
    return outcome.stdout if code == 0 else outcome.stderr


def test_a_recorded_event_is_applied_before_the_command_ends(shop: Program) -> None:
    answer = shop.ok("record", "--user", "ann", "--event", "purchase", "--product", "mug", "--json").json

    state = shop.ok("profile", "show", "ann", "--json").json
    assert (answer["status"], answer["position"], answer["effect"]) == ("recorded", 1, "applied")
    assert (state["event_count"], state["position"], state["missing"]) == (1, 1, [])


def test_the_profile_is_one_line_of_json_with_the_fields_of_the_contract(shop: Program) -> None:
    record(shop, "--user", "ann", "--event", "search", "--phrase", "tea for two")

    state = shop.ok("profile", "show", "ann", "--json").json

    names = "user_id embedding norm weight focus error as_of event_count position missing version model"
    assert list(state) == names.split()
    assert len(state["embedding"]) == 256
    assert state["norm"] == pytest.approx(0.7)


def test_the_same_message_id_again_is_a_repeat_and_changes_nothing(shop: Program) -> None:
    purchase = ("--user", "ann", "--event", "purchase", "--product", "mug", "--message-id", "m1")
    record(shop, *purchase)
    before = shop.ok("profile", "show", "ann", "--json").json

    assert "repeated" in record(shop, *purchase)
    assert shop.ok("profile", "show", "ann", "--json").json == before


def test_the_same_message_id_with_other_content_is_a_conflict(shop: Program) -> None:
    record(shop, "--user", "ann", "--event", "purchase", "--product", "mug", "--message-id", "m1")

    said = record(shop, "--user", "ann", "--event", "view", "--product", "mug", "--message-id", "m1", code=2)

    assert "message_id 'm1' was recorded before with other content" in said


def test_a_retraction_takes_the_event_back(shop: Program) -> None:
    record(shop, "--user", "ann", "--event", "purchase", "--product", "mug", "--message-id", "m1")

    record(shop, "--user", "ann", "--retract", "m1")

    state = shop.ok("profile", "show", "ann", "--json").json
    assert (state["event_count"], state["embedding"], state["norm"], state["weight"]) == (0, None, 0, 0)


def test_an_event_for_an_unknown_product_waits_until_the_product_is_imported(shop: Program) -> None:
    assert "waiting until product cup is imported" in record(
        shop, "--user", "ann", "--event", "view", "--product", "cup"
    )
    assert shop.ok("stats", "--json").json["waiting_events"] == 1

    shop.ok("products", "import", "-", stdin='{"product_id": "cup", "text": "white cup"}')

    assert shop.ok("profile", "show", "ann", "--json").json["event_count"] == 1
    assert shop.ok("stats", "--json").json["waiting_events"] == 0


def test_a_changed_product_text_reaches_its_users(shop: Program) -> None:
    record(shop, "--user", "ann", "--event", "purchase", "--product", "mug")
    before = shop.ok("profile", "show", "ann", "--json").json["embedding"]

    report = shop.ok("products", "import", "-", "--json", stdin='{"product_id": "mug", "text": "garden spade"}').json

    assert (report["changed"], report["users_rebuilt"]) == (1, 1)
    assert shop.ok("profile", "show", "ann", "--json").json["embedding"] != before
    assert shop.ok("verify", "--all", "--json").json["mismatches"] == 0


@pytest.mark.parametrize(
    "phrase", ["🤷🏽‍♀️", "كوب أحمر", "\u200b", "x" * 1000, "Ünïcödé  mügs", "'; DROP TABLE outbox; --"]
)
def test_any_unicode_phrase_of_up_to_1000_characters_is_applied(shop: Program, phrase: str) -> None:
    answer = shop.ok("record", "--user", "ann", "--event", "search", "--phrase", phrase, "--json").json

    assert answer["effect"] == "applied"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--user", "ann", "--event", "view"), "product_id"),
        (("--user", "ann", "--event", "search"), "search_phrase"),
        (("--user", "ann", "--event", "search", "--phrase", "tea", "--product", "mug"), "product_id"),
        (("--user", "ann", "--event", "search", "--phrase", "x" * 1001), "search_phrase"),
        (("--user", "ann", "--event", "view", "--product", "mug", "--at", "2026-01-31T12:00:00"), "occurred_at"),
        (("--user", "ann", "--event", "view", "--product", "mug", "--at", "2999-01-01T00:00:00Z"), "occurred_at"),
        (("--user", "ann", "--event", "view", "--product", "mug", "--at", "yesterday"), "occurred_at"),
        (("--user", "a" * 129, "--event", "view", "--product", "mug"), "user_id"),
        (("--user", "", "--event", "view", "--product", "mug"), "user_id"),
        (("--user", "ann", "--retract", "nothing"), "retracts"),
        (("--user", "ann", "--event", "dance", "--product", "mug"), "--event"),
        (("--user", "ann"), "event_type"),
    ],
)
def test_a_bad_event_is_refused_with_the_name_of_the_field(
    shop: Program, arguments: tuple[str, ...], field: str
) -> None:
    said = record(shop, *arguments, code=2)

    assert field in said
    assert "Traceback" not in said
    assert shop.ok("stats", "--json").json["events"] == 0


def test_a_retraction_of_another_users_event_is_refused_as_if_it_did_not_exist(shop: Program) -> None:
    record(shop, "--user", "ann", "--event", "view", "--product", "mug", "--message-id", "m1")

    said = record(shop, "--user", "bob", "--retract", "m1", code=2)

    assert "names no event of user 'bob'" in said
