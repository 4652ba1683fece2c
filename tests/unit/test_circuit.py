import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.circuit import Circuit
from domain.errors import UnavailableError

GONE = UnavailableError("The server does not answer.")


def _fail(circuit: Circuit, now: float, asked: float | None = None) -> float:
    """Fail at `now`, and return how long the pause is."""
    circuit.failed(now, UnavailableError("The server does not answer.", asked))
    return circuit.closed_again_in(now)


def test_nothing_is_paused_before_the_first_failure() -> None:
    circuit = Circuit()

    assert not circuit.is_open
    assert circuit.closed_again_in(5.0) == 0
    assert circuit.error(5.0) is None


def test_pauses_double_up_to_the_longest() -> None:
    circuit, now, pauses = Circuit(), 100.0, []

    for _ in range(9):
        pauses.append(_fail(circuit, now))
        now += pauses[-1]

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_pause_passes() -> None:
    circuit = Circuit()
    circuit.failed(100.0, GONE)

    assert circuit.closed_again_in(100.75) == 0.25
    assert circuit.closed_again_in(101.0) == 0
    assert circuit.is_open, "it has not been tried yet"


def test_the_pause_is_as_long_as_the_part_asks_for_if_that_is_longer() -> None:
    circuit = Circuit()

    assert _fail(circuit, 0.0, asked=30.0) == 30
    assert _fail(circuit, 30.0, asked=0.5) == 2


def test_a_request_for_a_long_pause_is_obeyed_beyond_the_longest_of_our_own() -> None:
    assert _fail(Circuit(), 0.0, asked=3_600.0) == 3_600


def test_a_part_that_keeps_its_callers_waiting_is_left_alone_for_a_multiple_of_that() -> None:
    circuit = Circuit()

    circuit.failed(30.0, GONE, waited_seconds=30.0)

    assert circuit.closed_again_in(30.0) == 120


def test_after_a_success_the_next_pause_is_short_again() -> None:
    circuit = Circuit()
    circuit.failed(0.0, GONE)
    circuit.failed(1.0, GONE)

    circuit.succeeded()

    assert not circuit.is_open
    assert circuit.closed_again_in(1.0) == 0
    assert _fail(circuit, 2.0) == 1


def test_requests_under_way_that_fail_during_the_pause_are_the_same_outage() -> None:
    circuit = Circuit()
    circuit.failed(0.0, GONE)

    for _ in range(10):
        circuit.failed(0.5, GONE)

    assert circuit.closed_again_in(0.5) == 0.5
    assert _fail(circuit, 1.0) == 2


def test_a_longer_pause_asked_for_during_a_pause_is_obeyed() -> None:
    circuit = Circuit()
    circuit.failed(0.0, GONE)

    assert _fail(circuit, 0.5, asked=20.0) == 20
    assert _fail(circuit, 0.5, asked=10.0) == 20


def test_the_error_says_what_failed_last_and_for_how_long_to_leave_it_alone() -> None:
    circuit = Circuit()
    circuit.failed(0.0, UnavailableError("Too many requests.", 10.0))

    error = circuit.error(4.0)

    assert error is not None
    assert str(error) == "Too many requests."
    assert error.retry_after_seconds == 6
    assert circuit.error(10.0) is None


@pytest.mark.parametrize("first", [0.25, 5.0])
def test_the_first_and_the_longest_pause_can_be_chosen(first: float) -> None:
    circuit = Circuit(first_pause_seconds=first, longest_pause_seconds=3 * first)

    assert _fail(circuit, 0.0) == first
    assert _fail(circuit, first) == 2 * first
    assert _fail(circuit, 3 * first) == 3 * first


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 1_000)), min_size=1))
def test_a_part_is_never_tried_before_any_pause_that_it_asked_for_has_passed(
    failures: list[tuple[float, float | None]],
) -> None:
    circuit, now = Circuit(), 0.0
    until = 0.0

    for step, asked in failures:
        now += step
        circuit.failed(now, UnavailableError("gone", asked))
        until = max(until, now + (asked if asked is not None else 0.0))
        assert now + circuit.closed_again_in(now) >= until - 1e-9
