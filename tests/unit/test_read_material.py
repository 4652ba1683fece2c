"""What an evaluation works on, from the log and from elsewhere."""

from collections.abc import Callable

import numpy as np
import pytest

from adapters.memory.product_catalogue import MemoryPhraseVectors
from adapters.memory.system import CountingMetrics
from application.collect_events import CollectEvents
from application.read_material import EmbedMaterial, Material, ReadMaterial
from application.subject_vectors import ReadSubjectVectors
from domain.errors import TransientError
from domain.product import Product
from tests.builders import bought, own_product, products, searched, unit_vectors
from tests.shop import DIMENSIONS, Shop

EVENTS = (bought("m1", "tea"), bought("m2", "mug"), bought("m3", "unknown"), searched("m4", "green  tea"))
PRODUCTS = {product.product_id: product for product in products(tea="green tea", mug="blue mug", hat="straw hat")}


def _in_place(shop: Shop) -> Material:
    read = ReadMaterial(shop.log, ReadSubjectVectors(shop.catalogue, shop.phrase_vectors, shop.recipe.model))
    counted: list[int] = []
    material = read(counted.append)
    assert sum(counted) == read.count()
    return material


def _embedded(shop: Shop, *others: Product, on_texts: Callable[[int], None] = lambda _: None) -> Material:
    collected = CollectEvents()
    for number, event in enumerate(EVENTS):
        collected.add(event, number)
    vectors = MemoryPhraseVectors(DIMENSIONS)
    embed = EmbedMaterial(shop.embedder, vectors, shop.clock, CountingMetrics())
    known = {**PRODUCTS, **{product.product_id: product for product in others}}
    return embed(collected.columns(), known, on_texts)


def _vectors(material: Material) -> dict[str, list[float]]:
    events = material.events
    names = [*events.product_ids, *(f"phrase {phrase}" for phrase in events.phrases)]
    rows = zip(names, material.vectors, strict=True)
    return {name: np.round(row, 6).tolist() for name, row in rows if row.any()}


def test_files_give_the_same_as_the_log_and_leave_it_alone(shop: Shop) -> None:
    before = _embedded(shop)
    assert shop.log.count() == 0
    assert shop.storage.phrase_vectors.get(shop.recipe.model, ["green tea"])[0] == []

    shop.apply(*EVENTS)
    in_place = _in_place(shop)

    assert _vectors(in_place) == _vectors(before)
    assert set(_vectors(before)) == {"tea", "mug", "phrase green tea"}
    assert in_place.events.product_ids == before.events.product_ids == ("mug", "tea", "unknown")
    assert in_place.events.subjects.tolist() == before.events.subjects.tolist()


def test_a_product_keeps_a_vector_of_its_own_and_its_text_is_not_embedded(shop: Shop) -> None:
    vectors = unit_vectors(2, DIMENSIONS)
    embedded: list[int] = []

    material = _embedded(shop, own_product("mug", vectors[0]), own_product("hat", vectors[1]), on_texts=embedded.append)

    assert sum(embedded) == 1  # "green tea", which is a product and a phrase
    assert set(_vectors(material)) == {"tea", "mug", "phrase green tea"}
    assert material.vectors[material.events.product_ids.index("mug")].tobytes() == vectors[0].tobytes()
    assert _vectors(material)["tea"] == _vectors(_embedded(shop))["tea"]


def test_a_text_that_is_refused_fails_no_other(shop: Shop) -> None:
    shop.embedder.refused = {"blue"}
    shop.embedder.meaningless = set()

    assert set(_vectors(_embedded(shop))) == {"tea", "phrase green tea"}


def test_an_embedder_that_is_away_is_an_error(shop: Shop) -> None:
    shop.embedder.down = True

    with pytest.raises(TransientError, match="does not answer"):
        _embedded(shop)
