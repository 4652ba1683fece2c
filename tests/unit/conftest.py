"""What the unit tests share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.interleaving import Actor, Interleaving
from tests.shop import Shop


@pytest.fixture
def shop() -> Shop:
    """A shop that sells tea and mugs. Nothing has happened in it yet."""
    shop = Shop()
    shop.stock(tea="green tea", mug="blue mug")
    return shop


@pytest.fixture
def another(shop: Shop) -> Iterator[Callable[[Callable[[Shop], Any]], Actor]]:
    """Start another process on the same storage: `another(lambda it: it.work())`. It moves when it is stepped."""
    interleaving = Interleaving()
    process = Shop(shop.storage, through=interleaving.through)
    yield lambda work: interleaving.start("another", lambda: work(process))
    interleaving.close()
