"""`penchant config show` and `penchant doctor`, as people read and copy them."""

import pytest

from entrypoints.container import Container
from tests.integration.explanations import assert_explains
from tests.integration.program import Program
from tests.unit.test_dead_letters import letter

NARROW = {"COLUMNS": "60"}
BROKER = "redis://user:secret@a-host-whose-name-is-far-too-long-for-a-narrow-terminal.example.com:6379/0"
SHOWN = BROKER.replace("secret", "***")


def test_addresses_are_never_broken(program: Program) -> None:
    program.ok("setup")

    shown = program.ok("config", "show", RABBITMQ_DSN=BROKER, **NARROW).stdout
    examined = program.ok("doctor", **NARROW).stdout

    assert SHOWN in shown
    assert "secret" not in shown
    assert str(program.home / "penchant.db") in examined


def test_looking_at_a_new_home_makes_nothing_and_says_how_to_begin(program: Program) -> None:
    examined = program.ok("doctor")
    program.ok("config", "show")

    assert "nothing yet" in examined.stdout
    assert "`penchant demo`" in examined.stdout
    assert not program.home.exists()


def test_doctor_does_not_say_that_all_is_well_where_nothing_has_been_set_up(program: Program) -> None:
    before = program.ok("doctor").stdout
    program.ok("setup")
    after = program.ok("doctor").stdout

    assert ("Nothing has been set up there yet" in " ".join(before.split()), "All is well" in before) == (True, False)
    assert (str(program.home) in after, "All is well" in after) == (True, True)


@pytest.mark.parametrize("command", ["stats", "failed list", "verify", "profile show ann", "recommend ann"])
def test_commands_that_only_read_make_nothing_and_say_where_there_is_nothing(program: Program, command: str) -> None:
    told = program.run(*command.split()).stderr
    examined = program.ok("doctor").stdout
    refused = program.run("stop-workers")

    assert f"Nothing has been recorded in {program.home} yet" in told
    assert not program.home.exists()
    assert ("All is well" in examined, refused.code) == (False, 2)


def test_a_look_with_a_broker_keeps_what_it_may_take_from_there(program: Program) -> None:
    program.ok("failed", "list", RABBITMQ_DSN="memory://")

    assert (program.home / "penchant.db").exists()


def test_where_something_is_it_is_read_without_a_word(program: Program) -> None:
    program.ok("setup")

    assert [program.ok(*command).stderr for command in (("stats",), ("failed", "list"))] == ["", ""]


def test_doctor_names_the_folder_where_only_the_broker_is_a_server(program: Program) -> None:
    first = program.run("doctor", "--json", RABBITMQ_DSN="redis://127.0.0.1:9").json["findings"][0]["text"]

    assert first == f"the embedded data in {program.home}; servers by RABBITMQ_DSN."


def test_stop_workers_says_which_log_it_told_and_refuses_where_there_is_none(program: Program) -> None:
    refused = program.run("stop-workers")
    made = program.home.exists()
    program.ok("setup")
    told = " ".join(program.ok("stop-workers").stdout.split())

    assert (refused.code, "no worker to tell" in refused.stderr, made) == (2, True, False)
    assert f"All workers on the log at {program.home / 'penchant.db'} have been told" in told
    assert "DATABASE_URL is not set here" in told


def test_stop_workers_says_why_it_does_not_know_how_many_there_are(program: Program) -> None:
    program.ok("setup")
    away = {"RABBITMQ_DSN": "amqp://127.0.0.1:9"}

    told = " ".join(program.ok("stop-workers", **away).stdout.split())
    trouble = program.ok("stop-workers", "--json", **away).json["trouble"]

    assert "have been told" in told
    assert f"How many the broker sees is not known: {trouble}" in told
    assert "RABBITMQ_DSN" in trouble


def test_an_empty_home_stays_empty_when_it_is_looked_at(program: Program) -> None:
    program.home.mkdir()

    program.ok("doctor")
    program.ok("config", "show")

    assert list(program.home.iterdir()) == []


def test_a_misspelt_variable_is_one_line_that_names_the_right_one(program: Program) -> None:
    program.ok("setup")
    warned = program.ok("stats", "--json", RABBITMQ_URL="amqp://host")

    assert warned.stderr.splitlines() == [
        "penchant: The environment variable RABBITMQ_URL sets nothing; did you mean RABBITMQ_DSN?"
    ]
    assert program.ok("stats", "--json").stderr == ""


def test_doctor_and_config_show_name_a_misspelt_variable(program: Program) -> None:
    shown = program.ok("config", "show", "--json", EMBEDDING_DECAY_LAMDA="1").json
    examined = program.ok("doctor", "--json", EMBEDDING_DECAY_LAMDA="1").json

    assert shown["strange_variables"] == ["EMBEDDING_DECAY_LAMDA"]
    assert "EMBEDDING_DECAY_LAMDA" in program.ok("config", "show", EMBEDDING_DECAY_LAMDA="1").stdout
    assert [f["health"] for f in examined["findings"] if "EMBEDDING_DECAY_LAMBDA" in f["text"]] == ["warning"]


def test_doctor_names_the_command_that_lists_what_was_given_up(program: Program, container: Container) -> None:
    program.ok("setup")
    container.dead_letters().add([letter("m1")])

    examined = " ".join(program.ok("doctor").stdout.split())

    assert "1 events were given up, the last for InvalidValueError: it was wrong" in examined
    assert "`penchant failed list`" in examined


@pytest.mark.parametrize(
    ("queue", "server"),
    [("neo4j", {"NEO4J_URL": "neo4j://127.0.0.1:1"}), ("qdrant", {"QDRANT_URL": "http://127.0.0.1:1"})],
)
def test_a_consumer_that_has_no_broker_says_so_in_one_paragraph(
    program: Program, queue: str, server: dict[str, str]
) -> None:
    outcome = program.run("worker", "--queue", queue, **server)

    assert outcome.code == 2
    assert_explains(outcome, "RABBITMQ_DSN", "")
    assert f"`penchant catch-up --queue {queue}`" in outcome.stderr
