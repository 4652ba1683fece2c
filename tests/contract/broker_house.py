"""Penchant with a real broker and everything else embedded, for tests of other programs beside it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from application.event_message import parse_event
from application.ports.dead_letters import DeadLetter
from domain.interaction import LoggedEvent
from domain.user_embedding import UserEmbedding
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.integration.counting import wait_until_counted
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.program import Program
from tests.services.waiting import wait_until

PRODUCTS = {"tea": "green tea", "7": "blue mug"}


@frozen(kw_only=True)
class BrokerHouse:
    """What a worker and a relay work with."""

    url: str
    container: Container

    def applied(self, user_id: str, count: int) -> UserEmbedding:
        """Work until so many events of a user count, and return the state."""
        wait_until_counted(self.container, {user_id: count}, self._work)
        return self.container.store().read([user_id])[user_id]

    def logged(self, message_ids: list[str]) -> Mapping[str, LoggedEvent]:
        """What the log says of them."""
        return self.container.event_log().find(message_ids)

    def publish(self, *messages: Mapping[str, Any]) -> None:
        """Record these, and have the relay publish them."""
        self.container.record()([parse_event(message) for message in messages])
        self.container.relay()(len(messages))

    def dead(self, message_id: str) -> DeadLetter:
        """Work until a message is among the dead letters, and return it."""
        letters, collect = self.container.dead_letters(), self.container.collect_dead_letters()

        def found() -> DeadLetter | None:
            self._work()
            collect()
            return next((letter for letter in letters.list(100) if letter.message_id == message_id), None)

        letter = wait_until(found, DEADLINE_SECONDS, f"the dead letter {message_id}")
        assert letter is not None
        return letter

    def _work(self) -> None:
        self.container.relay()(100)
        self.container.work().batch(100, wait_seconds=0.1)


@contextmanager
def broker_house(folder: Path, url: str, **variables: str) -> Iterator[BrokerHouse]:
    """A house on a vhost of the broker, set up."""
    program = Program(home=folder / "home", folder=folder)
    settings = {"RABBITMQ_DSN": url, **variables}
    lines = "".join(json.dumps({"product_id": key, "text": text}) + "\n" for key, text in PRODUCTS.items())
    (folder / "products.jsonl").write_text(lines)
    program.ok("setup", **settings)
    program.ok("products", "import", "products.jsonl", **settings)
    container = Container(settings=Settings.model_validate({"PENCHANT_HOME": program.home, **settings}))
    try:
        yield BrokerHouse(url=url, container=container)
    finally:
        container.message_source().close()
        container.shutdown_resources()
        container.database().dispose()


@pytest.fixture(name="house")
def house_fixture(tmp_path: Path, rabbitmq_url: str) -> Iterator[BrokerHouse]:
    """A house with its queues as they are by default."""
    with broker_house(tmp_path, rabbitmq_url) as house:
        yield house
