from collections.abc import Sequence
from datetime import timedelta

import pytest

from adapters.memory.system import CountingMetrics, ManualClock
from application.optional_source import OptionalSource
from application.shopper import Shopper, Wanted
from domain.errors import ConfigurationError, TransientError, UnavailableError
from tests.builders import NOW

EVE, ALL = Shopper(user_id="eve"), Wanted(limit=9)


class Unreliable:
    """A source that fails as it is told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return ["tea"]


@pytest.fixture
def source() -> Unreliable:
    return Unreliable()


@pytest.mark.parametrize("error", [UnavailableError("It is away."), TransientError("It took too long.")])
def test_while_it_fails_it_knows_nothing_and_is_left_alone(source: Unreliable, error: TransientError) -> None:
    clock, metrics = ManualClock(NOW), CountingMetrics()
    optional = OptionalSource(source, "bought_with", clock, metrics)
    source.error = error

    assert [list(optional(EVE, ALL)) for _ in range(3)] == [[], [], []]
    assert source.calls == 1
    assert str(optional.error) == str(error)
    assert metrics.counters['penchant_sources_left_out_total{source="bought_with"}'] == 3


def test_it_is_asked_again_after_a_pause(source: Unreliable) -> None:
    clock = ManualClock(NOW)
    optional = OptionalSource(source, "bought_with", clock, CountingMetrics())
    source.error = UnavailableError("It is away.")
    optional(EVE, ALL)
    source.error = None
    clock.advance(timedelta(seconds=2))

    assert list(optional(EVE, ALL)) == ["tea"]
    assert optional.error is None


def test_what_a_person_has_to_mend_is_raised(source: Unreliable) -> None:
    optional = OptionalSource(source, "bought_with", ManualClock(NOW), CountingMetrics())
    source.error = ConfigurationError("The password is wrong.")

    with pytest.raises(ConfigurationError):
        optional(EVE, ALL)
