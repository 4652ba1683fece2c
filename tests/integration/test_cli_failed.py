"""`penchant failed`, as it is read and copied from, and what its commands ask for."""

import pytest
from attrs import evolve

from entrypoints.container import Container
from tests.integration.program import Program
from tests.unit.test_dead_letters import letter

LONG_ID = "0b5a3c9e-6d7f-4a3b-9b1e-" + "2f1d6c7a8b90" * 5
REASON = "product_id is missing,\nwhich a purchase needs; send the id of the product, or an event of another type"


def test_a_list_fits_a_narrow_terminal_and_ids_stay_whole(program: Program, container: Container) -> None:
    program.ok("setup")
    container.dead_letters().add([evolve(letter(LONG_ID), error_text=REASON), letter("m2", user_id=None)])

    # A process of its own: the width of the terminal is looked at when the program is loaded.
    listed = program.process("failed", "list", COLUMNS="60").stdout.splitlines()

    assert [line for line in listed if line.startswith(f"{LONG_ID}  ")]
    assert "    user ann, InvalidValueError: product_id is missing," in listed
    assert "    which a purchase needs; send the id of the product, or …" in listed
    assert "    InvalidValueError: it was wrong" in listed


def test_bodies_are_shown_and_not_listed(program: Program, container: Container) -> None:
    program.ok("setup")
    container.dead_letters().add([letter("m1", b"a body")])

    [listed] = program.ok("failed", "list", "--json").json["dead_letters"]
    [shown] = program.ok("failed", "show", "m1", "--json").json

    assert shown == listed | {"body": "a body"}
    assert "body" not in listed


@pytest.mark.parametrize("command", ["retry", "purge"])
def test_nothing_and_too_much_are_told_apart(program: Program, container: Container, command: str) -> None:
    program.ok("setup")
    container.dead_letters().add([letter("m1")])

    nothing, too_much = program.run("failed", command), program.run("failed", command, "m1", "--all")

    assert (nothing.code, too_much.code) == (2, 2)
    assert "a message id, a filter or --all is needed; say which are meant" in nothing.stderr
    assert "--all comes with a message id or a filter; leave one of them out" in too_much.stderr
    assert container.dead_letters().count() == 1
