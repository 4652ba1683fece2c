"""`penchant config show` and `penchant doctor`, as people read and copy them."""

from entrypoints.container import Container
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


def test_an_empty_home_stays_empty_when_it_is_looked_at(program: Program) -> None:
    program.home.mkdir()

    program.ok("doctor")
    program.ok("config", "show")

    assert list(program.home.iterdir()) == []


def test_a_misspelt_variable_is_one_line_that_names_the_right_one(program: Program) -> None:
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
