import pytest

from domain.errors import InvalidValueError, NotAppliedYetError
from tests.builders import bought, retraction, viewed
from tests.shop import Shop


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """A shop with enough to choose from."""
    shop.stock(pot="tea pot", hat="straw hat")
    return shop


def test_the_nearest_users_come_first_and_oneself_does_not(stocked: Shop) -> None:
    stocked.apply(
        viewed("a", "pot"),
        viewed("b", "pot", user_id="bob"),
        viewed("c", "hat", user_id="cid"),
        bought("d", "hat", "dee"),
    )

    neighbours = stocked.neighbours("ann", 5)

    assert [n.user_id for n in neighbours] == ["bob", "cid", "dee"]
    assert neighbours[0].similarity == pytest.approx(1.0)


def test_an_unknown_user_is_an_error_that_says_what_to_do(shop: Shop) -> None:
    with pytest.raises(InvalidValueError, match="'eve' is not known; record an event"):
        shop.neighbours("eve", 5)


def test_a_user_whose_events_are_on_their_way_is_not_said_to_be_unknown(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"))

    with pytest.raises(NotAppliedYetError, match=r"'ann' has 2 events that are recorded and on their way") as raised:
        shop.neighbours("ann", 5)
    assert "penchant " not in str(raised.value)  # callers of the API read it, too


def test_nobody_is_near_to_a_known_user_without_live_events(stocked: Shop) -> None:
    stocked.apply(viewed("m1"), retraction("m2", "m1"), viewed("m3", user_id="bob"))

    assert list(stocked.neighbours("ann", 5)) == []
