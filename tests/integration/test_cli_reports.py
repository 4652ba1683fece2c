"""Help, reports, settings and errors of the program."""

import json
import signal
from pathlib import Path

import pytest

from tests.integration.program import Program
from tests.services.ports import free_port
from tests.services.waiting import wait_until

DEADLINE_SECONDS = 60

COMMANDS = (
    "demo",
    "record",
    "recommend",
    "similar",
    "evaluate",
    "verify",
    "rebuild",
    "catch-up",
    "stats",
    "setup",
    "events import",
    "products import",
    "profile show",
    "profile explain",
    "profile neighbours",
    "config show",
)


@pytest.fixture
def shop(program: Program) -> Program:
    products = [{"product_id": name, "text": name} for name in ("red mug", "blue mug", "garden spade", "tea towel")]
    program.ok("products", "import", "-", stdin="".join(json.dumps(product) + "\n" for product in products))
    for user, product in (("ann", "red mug"), ("bob", "blue mug"), ("cid", "garden spade")):
        program.ok("record", "--user", user, "--event", "purchase", "--product", product)
    return program


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(program: Program, command: str) -> None:
    text = program.ok(*command.split(), "--help").stdout

    assert f"penchant {command}" in text.split("Example", 1)[1]


def test_recommend_leaves_out_what_was_bought(shop: Program) -> None:
    products = shop.ok("recommend", "ann", "--json").json["recommendations"]

    assert products[0]["product_id"] == "blue mug"
    assert "red mug" not in {product["product_id"] for product in products}


def test_each_recommendation_says_why(shop: Program) -> None:
    shown = " ".join(shop.ok("recommend", "ann").stdout.split())

    assert "like red mug, bought" in shown


def test_a_product_is_not_said_to_be_like_itself(shop: Program) -> None:
    shown = " ".join(shop.ok("recommend", "ann", "--with-bought", "--among", "red mug").stdout.split())

    assert "like red mug" not in shown
    assert " bought " in shown


def test_to_a_user_who_is_new_what_is_popular_is_recommended(shop: Program) -> None:
    outcome = shop.ok("recommend", "nobody")

    shown = " ".join(outcome.stdout.split())
    assert "popular now" in shown
    assert "Nothing is known of nobody yet" in shown
    assert "user_id has 0 characters" in shop.run("recommend", "").stderr


def test_recommendations_can_be_of_one_source_with_what_was_bought_and_among_some(shop: Program) -> None:
    options = ("--source", "embedding", "--with-bought", "--among", "red mug", "--among", "blue mug")

    products = shop.ok("recommend", "ann", *options, "--json").json["recommendations"]

    assert [product["product_id"] for product in products] == ["red mug", "blue mug"]
    assert [product["ranks"] for product in products] == [{"embedding": 1}, {"embedding": 2}]


def test_a_graph_that_is_away_is_said_to_be_left_out(shop: Program) -> None:
    outcome = shop.ok("recommend", "ann", "--json", NEO4J_URL=f"bolt://127.0.0.1:{free_port()}")

    assert outcome.json["recommendations"][0]["product_id"] == "blue mug"
    assert "nothing comes from bought_with: The Neo4j database" in outcome.stderr


def test_a_source_that_knows_nothing_of_a_user_is_said_to_be_the_reason(shop: Program) -> None:
    assert "Nothing comes from embedding alone" in shop.ok("recommend", "nobody", "--source", "embedding").stdout


def test_a_source_that_is_not_switched_on_is_refused(shop: Program) -> None:
    outcome = shop.run("recommend", "ann", "--source", "bought_with")

    assert outcome.code == 2
    assert "send one of embedding, popular" in outcome.stderr


def test_similar_products_come_nearest_first_and_an_unknown_one_is_an_error(shop: Program) -> None:
    products = shop.ok("similar", "red mug", "--json").json["products"]

    assert products[0]["product_id"] == "blue mug"
    assert "'nothing' is not in the catalogue" in shop.run("similar", "nothing").stderr


def test_neighbours_are_other_users_nearest_first(shop: Program) -> None:
    neighbours = shop.ok("profile", "neighbours", "ann", "--json").json["users"]

    assert [neighbour["user_id"] for neighbour in neighbours] == ["bob", "cid"]


def test_a_title_that_is_wider_than_its_table_is_shown_whole(shop: Program) -> None:
    assert "User ann: nearest users" in shop.ok("profile", "neighbours", "ann").stdout


def test_explain_gives_shares_that_add_up_to_one(shop: Program) -> None:
    shop.ok("record", "--user", "ann", "--event", "search", "--phrase", "tea for two")

    events = shop.ok("profile", "explain", "ann", "--json").json["events"]

    assert sum(event["share"] for event in events) == pytest.approx(1)
    assert {event["event_type"] for event in events} == {"purchase", "search"}


@pytest.mark.parametrize("command", ["profile show", "profile explain", "profile neighbours"])
def test_reports_are_readable_and_an_unknown_user_is_an_error(shop: Program, command: str) -> None:
    assert "ann" in shop.ok(*command.split(), "ann").stdout
    outcome = shop.run(*command.split(), "nobody")
    assert outcome.code == 2
    assert "user_id 'nobody' is not known" in outcome.stderr
    assert "user_id has 0 characters" in shop.run(*command.split(), "").stderr


@pytest.mark.parametrize("command", ["profile show", "profile explain", "profile neighbours", "recommend"])
def test_of_a_user_whose_products_are_unknown_every_report_says_what_it_waits_for(shop: Program, command: str) -> None:
    shop.ok("record", "--user", "eve", "--event", "view", "--product", "unheard-of")

    shown = " ".join(shop.ok(*command.split(), "eve").stdout.split())

    assert "no event is applied yet" in shown
    assert "1 event is recorded and not applied yet, for want of products that are not in the catalogue" in shown
    assert "unheard-of" in shown


@pytest.mark.parametrize("command", ["profile show", "profile explain", "profile neighbours", "recommend"])
def test_of_a_user_who_took_everything_back_every_report_says_so(shop: Program, command: str) -> None:
    shop.ok("record", "--user", "eve", "--event", "search", "--phrase", "tea", "--message-id", "eve-1")
    shop.ok("record", "--user", "eve", "--retract", "eve-1")

    shown = " ".join(shop.ok(*command.split(), "eve").stdout.split())

    assert "all events have been taken back" in shown
    assert "not applied" not in shown


def test_where_nothing_is_left_to_recommend_it_says_so(program: Program) -> None:
    program.ok("products", "import", "-", stdin='{"product_id": "mug", "text": "red mug"}\n')
    program.ok("record", "--user", "ann", "--event", "purchase", "--product", "mug")

    assert program.ok("recommend", "ann").stdout.strip() == "There is no product that the user has not bought."
    assert program.ok("profile", "neighbours", "ann").stdout.strip() == "No other user has an embedding."


def test_stats_counts(shop: Program) -> None:
    counts = shop.ok("stats", "--json").json

    assert (counts["events"], counts["users"], counts["user_embeddings"], counts["products"]) == (3, 3, 3, 4)
    assert (counts["outbox"], counts["waiting_events"], counts["dead_letters"]) == (0, 0, 0)


def test_rebuild_gives_what_was_there(shop: Program) -> None:
    before = shop.ok("profile", "show", "ann", "--json").json

    assert shop.ok("rebuild", "--all", "--json").json == {"rebuilt": 3}

    after = shop.ok("profile", "show", "ann", "--json").json
    assert after["version"] == before["version"] + 1
    assert after["embedding"] == before["embedding"]


def test_setup_says_whether_it_changed_anything(program: Program) -> None:
    assert program.ok("setup", "--json").json["changed"] is True
    assert program.ok("setup", "--json").json["changed"] is False


def test_config_show_names_each_setting_and_adapter(program: Program) -> None:
    shown = program.ok("config", "show", "--json", EMBEDDING_DECAY_LAMBDA="0.05").json

    assert shown["settings"]["EMBEDDING_DECAY_LAMBDA"] == "0.05"
    assert shown["adapters"]["event_log"] == "SqlEventLog"
    assert "EMBEDDING_DECAY_LAMBDA" in program.ok("config", "show").stdout


def test_another_recipe_is_refused_with_the_settings_to_correct(shop: Program) -> None:
    outcome = shop.run(
        "record", "--user", "ann", "--event", "view", "--product", "red mug", EMBEDDING_DECAY_LAMBDA="0.5"
    )

    assert outcome.code == 2
    assert "EMBEDDING_DECAY_LAMBDA" in outcome.stderr
    assert shop.ok("stats", "--json").json["events"] == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMBEDDING_DECAY_LAMBDA", "fast"),
        ("EMBEDDING_DECAY_LAMBDA", "-1"),
        ("PENCHANT_WEIGHT_VIEW", "nan"),
        ("PENCHANT_BATCH_SIZE", "0"),
    ],
)
def test_a_bad_setting_is_named(program: Program, name: str, value: str) -> None:
    outcome = program.run("stats", **{name: value})

    assert outcome.code == 2
    assert name in outcome.stderr


def test_a_home_that_cannot_be_made_is_one_sentence(program: Program) -> None:
    (program.folder / "file").write_text("")

    outcome = program.run("setup", PENCHANT_HOME=str(program.folder / "file" / "home"))

    assert outcome.code == 2
    assert "PENCHANT_HOME" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_database_that_is_none_is_one_sentence(program: Program) -> None:
    program.home.mkdir()
    (program.home / "penchant.db").write_text("this is no database " * 1_000)

    outcome = program.run("stats")

    assert outcome.code == 2
    assert "Traceback" not in outcome.stderr


def test_the_shell_completes_commands(program: Program) -> None:
    outcome = program.process(
        _PENCHANT_COMPLETE="complete_bash",
        COMP_WORDS="penchant pro",
        COMP_CWORD="1",
        _TYPER_COMPLETE_ARGS="penchant pro",
    )

    assert "profile" in outcome.stdout
    assert "products" in outcome.stdout


def test_the_version_is_printed(program: Program) -> None:
    outcome = program.process("--version")

    assert (outcome.code, outcome.stdout.split()[0]) == (0, "penchant")


def test_the_demo_refuses_to_mix_with_a_shop(shop: Program) -> None:
    outcome = shop.run("demo")

    assert outcome.code == 2
    assert "PENCHANT_HOME" in outcome.stderr


def test_homes_are_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        Program(home=tmp_path / name, folder=tmp_path).ok("setup")

    assert (tmp_path / "one" / "penchant.db").is_file()
    assert (tmp_path / "two" / "penchant.db").is_file()


def test_only_the_documented_variables_are_settings(program: Program) -> None:
    home = program.folder / "somebody"
    environment = {"HOME": str(home), "BATCH_SIZE": "17", "WEIGHT_VIEW": "9", "PENCHANT_HOME": ""}

    shown = program.ok("config", "show", "--json", **environment).json["settings"]

    assert Path(shown["PENCHANT_HOME"]).is_relative_to(home / ".local")
    assert (shown["PENCHANT_BATCH_SIZE"], shown["PENCHANT_WEIGHT_VIEW"]) == ("4000", "0.3")


def test_ids_that_look_like_markup_are_printed_as_they_are(shop: Program) -> None:
    odd = "[/red]"
    shop.ok("products", "import", "-", stdin=json.dumps({"product_id": odd, "text": "[bold] mug [/bold]"}))

    recorded = shop.ok("record", "--user", odd, "--event", "view", "--product", odd, "--message-id", odd)
    waiting = shop.ok("record", "--user", odd, "--event", "view", "--product", "[/x]")

    assert f"recorded as {odd}" in recorded.stdout
    assert "[/x]" in waiting.stdout
    for command in ("profile show", "profile explain", "profile neighbours", "recommend"):
        assert odd in shop.ok(*command.split(), odd).stdout


def test_verify_refuses_a_user_without_events(shop: Program) -> None:
    outcome = shop.run("verify", "--user", "nobody")

    assert outcome.code == 2
    assert "'nobody' has no events" in outcome.stderr


def test_explain_gives_as_many_events_as_asked_for(shop: Program) -> None:
    shop.ok("record", "--user", "ann", "--event", "view", "--product", "blue mug")

    explained = shop.ok("profile", "explain", "ann", "-n", "1", "--json").json

    assert (len(explained["events"]), explained["more"]) == (1, 1)


def test_an_interrupted_demo_ends_with_its_own_exit_code_and_goes_on_later(program: Program) -> None:
    process = program.start("demo")
    wait_until((program.home / "penchant.db").exists, DEADLINE_SECONDS, "the demo to have begun")

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=DEADLINE_SECONDS) == 130
    assert program.ok("verify", "--all", "--json").json["mismatches"] == 0
