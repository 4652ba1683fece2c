"""The program on a fresh home, and one home with all of the real data for the tests that need it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.online_retail.dataset import OnlineRetail
from application.event_message import as_message
from entrypoints.container import Container
from tests.integration.program import Outcome, Program

CUSTOMERS = 60
SHIFT = timedelta(days=5_000)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program on an empty home."""
    return Program(home=tmp_path / "home", folder=tmp_path)


@pytest.fixture
def container(program: Program) -> Iterator[Container]:
    """The parts of the program on the same home."""
    container = program.container()
    yield container
    container.database().dispose()


@pytest.fixture(scope="session")
def online_retail() -> OnlineRetail:
    """The data set, which is surveyed once."""
    return OnlineRetail()


@pytest.fixture(scope="session")
def real_messages(online_retail: OnlineRetail) -> list[dict[str, object]]:
    """All events of some real customers in the order of the data set, as messages."""
    events = [s.event for _, s in online_retail.submissions(SHIFT) if s is not None]
    chosen = set(sorted({event.user_id for event in events})[:: 4335 // CUSTOMERS])
    return [as_message(event) for event in events if event.user_id in chosen]


@pytest.fixture(scope="session")
def real_products(online_retail: OnlineRetail) -> list[dict[str, str]]:
    """The real catalogue, as `products import` takes it."""
    return [{"product_id": product.product_id, "text": product.text} for product in online_retail.products()]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Outcome]:
    """A home after `penchant demo`, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    program = Program(home=folder / "home", folder=folder)
    outcome = program.process("demo")
    assert outcome.code == 0, outcome.stderr
    return program, outcome
