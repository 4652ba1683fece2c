from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field

from adapters.memory.system import ManualClock, ManualStop, RememberedJournal
from application.chores import Chore, Chores
from domain.errors import ConfigurationError, PenchantError, PermanentError, TransientError
from tests.builders import NOW

LONG = 1_000.0


@define(kw_only=True, eq=False)
class Household:
    """Chores, and what is around them."""

    clock: ManualClock = field(factory=lambda: ManualClock(NOW))
    stop: ManualStop = field(init=False)
    journal: RememberedJournal = field(factory=RememberedJournal)
    done: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.stop = ManualStop(self.clock)

    def of(self, **chores: tuple[float, Callable[[], Iterator[Any]]]) -> Chores:
        made = [Chore(name=name, every_seconds=every, begin=begin) for name, (every, begin) in chores.items()]
        return Chores(made, self.stop, self.clock, self.journal)

    def pieces(self, name: str, *results: Any) -> Callable[[], Iterator[Any]]:
        """A chore whose pieces have these results; an error is raised."""

        def begin() -> Iterator[Any]:
            for result in results:
                self.done.append(name)
                if isinstance(result, PenchantError):
                    raise result
                yield result

        return begin

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def house() -> Household:
    return Household()


def test_a_turn_does_one_piece_of_each_chore(house: Household) -> None:
    chores = house.of(a=(LONG, house.pieces("a", 1, 1, 1)), b=(LONG, house.pieces("b", 1)))

    turns = [chores() for _ in range(5)]

    assert house.done == ["a", "b", "a", "a"]
    assert turns == [True, True, True, False, False]


def test_a_chore_is_done_again_when_it_is_due(house: Household) -> None:
    chores = house.of(often=(2.0, house.pieces("often", 0)), seldom=(LONG, house.pieces("seldom", 0)))

    for _ in range(8):
        chores()
        house.wait(1)

    assert (house.done.count("often"), house.done.count("seldom")) == (4, 1)


def test_a_chore_that_takes_longer_than_its_interval_is_not_begun_anew_in_the_middle(house: Household) -> None:
    chores = house.of(a=(2.0, house.pieces("a", *range(1, 6))))

    for _ in range(5):
        chores()
        house.wait(10)
    assert house.journal.entries == []
    chores()

    assert [fields["chore"] for action, _, fields in house.journal.entries if action == "chore_done"] == ["a"]


def test_what_all_pieces_have_found_is_told_once_at_the_end(house: Household) -> None:
    chores = house.of(a=(LONG, house.pieces("a", 2, 0, 3)), nothing=(LONG, house.pieces("nothing", 0, 0)))

    for _ in range(5):
        chores()

    assert [sentence for _, sentence, _ in house.journal.entries] == ["a has found work: 5"]


def test_a_chore_that_has_to_wait_asks_for_no_hurry_and_goes_on_where_it_was(house: Household) -> None:
    chores = house.of(a=(LONG, house.pieces("a", 1, None, None, 2)))

    assert [chores() for _ in range(5)] == [True, False, False, True, False]
    assert house.journal.entries[-1][1] == "a has found work: 3"


@pytest.mark.parametrize("error", [TransientError("not now"), PermanentError("too large")])
def test_a_chore_that_fails_stops_nobody_and_begins_anew_when_it_is_due(house: Household, error: PenchantError) -> None:
    chores = house.of(failing=(10.0, house.pieces("failing", 1, error)), other=(1.0, house.pieces("other", 0)))

    for _ in range(4):
        chores()
        house.wait(2)
    assert (house.done.count("failing"), house.done.count("other")) == (2, 2)
    assert [action for action, _, _ in house.journal.entries] == ["chore_failed"]
    house.wait(2)
    chores()

    assert house.done.count("failing") == 3


def test_a_chore_that_can_never_work_is_an_error(house: Household) -> None:
    chores = house.of(a=(LONG, house.pieces("a", ConfigurationError("The tables are missing."))))

    with pytest.raises(ConfigurationError):
        chores()


def test_when_asked_to_stop_no_further_chore_is_touched(house: Household) -> None:
    def stop() -> Iterator[int]:
        house.stop.asked = True
        yield 1

    chores = house.of(a=(LONG, stop), b=(LONG, house.pieces("b", 1)))

    assert not chores()
    assert house.done == []
