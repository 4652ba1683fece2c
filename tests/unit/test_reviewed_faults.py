"""Faults that a reviewer found: each test failed before it was mended."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from adapters.sql.database import Database
from adapters.sql.registry import SqlRegistry
from application.active_recipe import ACTIVE_RECIPE, adopt_recipe
from application.catch_up_in_turn import CatchUpInTurn
from application.event_message import as_message, parse_event
from application.ports.dead_letters import EVERY, DeadLetterFilter
from application.ports.user_embedding_store import StateWrite
from domain.decay import Decay
from domain.errors import (
    ConfigurationError,
    InvalidValueError,
    RecipeMismatchError,
    StorageFullError,
    UnavailableError,
)
from domain.interaction import EventType
from domain.user_embedding import UserEmbedding
from tests.builders import NOW, bought, searched, viewed
from tests.shop import Shop
from tests.unit.test_dead_letters import letter

TURN = timedelta(minutes=10)


def _in_turn(shop: Shop) -> CatchUpInTurn:
    return CatchUpInTurn(shop.catch_up, shop.outbox, shop.registry, shop.clock, TURN, shop.worker())


def test_an_error_text_can_be_stored_whatever_the_name_of_a_field_is() -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_event({"\ud800": 1, **as_message(viewed("m1"))})

    assert str(caught.value).encode()


def test_what_is_late_in_the_outbox_is_not_added_at_every_turn(shop: Shop) -> None:
    shop.record(*(viewed(f"m{n}") for n in range(5)))
    for _ in range(4):
        shop.clock.advance(TURN + timedelta(seconds=1))
        assert list(_in_turn(shop)()) == []

    assert shop.outbox.depth() == 5


def test_searches_that_wait_for_the_embedder_are_not_added_at_every_sweep(shop: Shop) -> None:
    shop.embedder.unavailable = True
    shop.record(*(searched(f"m{n}") for n in range(5)))
    for _ in range(4):
        shop.work()
        shop.clock.advance(timedelta(minutes=11))
        assert shop.catch_up().events == 0
    shop.embedder.unavailable = False

    shop.work()

    assert (shop.state().event_count, shop.outbox.depth()) == (5, 0)


def test_of_several_workers_one_catches_up_and_a_mark_of_a_wrong_clock_stops_nobody(shop: Shop) -> None:
    shop.registry.set("caught_up_at", (NOW + timedelta(days=365)).isoformat())

    shop.record(viewed("m1"))

    reports = [list(_in_turn(shop)()) for _ in range(3)]

    assert [len(report) for report in reports] == [1, 0, 0]


def test_a_full_disk_is_waited_for_like_any_outage() -> None:
    assert issubclass(StorageFullError, UnavailableError)


class HotStore:
    """Another writer is first whenever the hot user is written together with others."""

    def __init__(self, store: MemoryUserEmbeddingStore) -> None:
        self._store = store

    def read(self, user_ids: Collection[str]) -> Mapping[str, UserEmbedding]:
        return self._store.read(user_ids)

    def write(self, writes: Sequence[StateWrite]) -> int:
        if len(writes) > 1 and any(write.state.user_id == "hot" for write in writes):
            others = [write for write in writes if write.state.user_id != "hot"]
            return self._store.write(others) + 1
        return self._store.write(writes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_rebuild_ends_though_one_of_its_users_is_written_all_the_time() -> None:
    shop = Shop(through=lambda port: HotStore(port) if isinstance(port, MemoryUserEmbeddingStore) else port)
    users = ["hot", *(f"user-{n}" for n in range(20))]
    shop.record(*(searched(f"m-{user}", user_id=user) for user in users))
    for _ in users:
        shop.worker().batch(1)
    before = {user: state.write_id for user, state in shop.storage.store.states.items()}

    shop.rebuild.all()

    assert all(shop.storage.store.states[user].write_id != before[user] for user in users)
    assert shop.verify.all().mismatches == ()


def test_a_letter_with_other_content_than_the_log_stays_when_it_is_retried(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"))
    body = b'{"message_id": "m1", "user_id": "ann", "event_type": "purchase", "product_id": "mug"}'
    shop.dead_letters.add([letter("m1", body)])
    shop.clock.advance(timedelta(minutes=1))

    report = shop.retry_dead_letters(EVERY)

    assert (report.retried, report.refused) == (0, 1)
    assert shop.dead_letters.list(1, DeadLetterFilter(message_id="m1"))[0].error_type == "ConflictError"


def test_a_model_of_another_length_under_the_same_name_is_embedded_anew(shop: Shop) -> None:
    stored = shop.storage.catalogue.read(["tea"])["tea"]
    short = evolve(stored, embedding=stored.embedding[:4], revision=stored.revision)
    shop.storage.catalogue._products["tea"] = short

    assert [product.product_id for product in shop.catalogue.outdated(10)] == ["tea"]
    shop.import_products(shop.catalogue.outdated(10))

    assert shop.catalogue.outdated(10) == []


def test_a_product_without_a_vector_in_the_new_model_is_named_and_stops_nothing(shop: Shop) -> None:
    shop.apply(bought("m1", "tea"))
    other = Shop(shop.storage, adopt=False, recipe=evolve(shop.recipe, weights={**shop.recipe.weights, "view": 0.9}))
    products = shop.storage.catalogue._products
    products.update({p: evolve(product, model="old") for p, product in products.items()})
    shop.embedder.meaningless.add("blue mug")

    change = other.change_recipe()

    assert change.products_without_vector == ("mug",)
    assert (change.products_embedded, change.users_rebuilt) == (1, 1)
    assert shop.registry.get(ACTIVE_RECIPE) == other.recipe.as_json()


def test_a_recipe_that_is_not_the_active_one_is_told_by_what_differs(shop: Shop) -> None:
    weights = {**shop.recipe.weights, EventType.VIEW: 0.9}
    other = evolve(shop.recipe, weights=weights, decay=Decay(rate_per_day=0.5), model="another")

    with pytest.raises(RecipeMismatchError) as caught:
        adopt_recipe(shop.registry, other)

    told = str(caught.value)
    assert "EMBEDDING_DECAY_LAMBDA" in told
    assert "PENCHANT_WEIGHT_VIEW" in told
    assert "PENCHANT_WEIGHT_CLICK" not in told
    assert "OPENAI_EMBEDDING_MODEL" in told


@pytest.mark.parametrize("url", ["mysql://u:p@127.0.0.1:9/x?foo=bar", "mysql://u:my@hidden@127.0.0.1:9/x"])
def test_an_address_that_cannot_work_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL has an") as caught:
        SqlRegistry(Database(url, setting="DATABASE_URL")).get("recipe")

    assert "hidden" not in str(caught.value)
