"""What every catalogue promises."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest

from application.ports.product_catalogue import CataloguePut, ProductCatalogue, ProductStamp
from domain.attributes import MAX_CONDITIONS, Attribute, attributes_of
from domain.product import Product, ProductEmbedding
from tests.builders import DIMENSIONS, NOW, ODD_TEXTS, in_catalogue, own_product, unit_vector, unit_vectors


def _put(catalogue: ProductCatalogue, *products: ProductEmbedding) -> set[str]:
    """Put each as the successor of the revision before it; return what did not match."""
    return set(catalogue.put([CataloguePut(product=p, expected_revision=p.revision - 1) for p in products]))


def _same(found: ProductEmbedding, put: ProductEmbedding) -> bool:
    return (
        found.embedding.tobytes() == put.embedding.tobytes()
        and found.embedding.dtype == np.float32
        and (found.product, found.model, found.revision, found.updated_at)
        == (put.product, put.model, put.revision, put.updated_at)
    )


def test_a_product_comes_back_whole(catalogue: ProductCatalogue) -> None:
    product = in_catalogue("🧁" * 128, "قميص 🧁 " * 1_000, updated_at=NOW + timedelta(microseconds=1))

    assert _put(catalogue, product) == set()

    assert _same(catalogue.read(["🧁" * 128])["🧁" * 128], product)


def test_unknown_ids_are_left_out_or_named(catalogue: ProductCatalogue) -> None:
    _put(catalogue, in_catalogue("tea"))

    assert set(catalogue.read(["tea", "cup"])) == {"tea"}
    assert list(catalogue.vectors(["tea", "cup"])[0]) == ["tea"]
    assert set(catalogue.unknown(["tea", "cup"])) == {"cup"}


def test_asking_for_nothing_gives_nothing_of_the_right_shape(catalogue: ProductCatalogue) -> None:
    ids, matrix = catalogue.vectors([])

    assert (list(ids), matrix.shape) == ([], (0, DIMENSIONS))
    assert matrix.dtype == np.float32
    assert catalogue.read([]) == {}
    assert set(catalogue.unknown([])) == set()
    assert set(catalogue.put([])) == set()


def test_each_vector_stands_in_the_row_of_its_id(catalogue: ProductCatalogue) -> None:
    vectors = unit_vectors(5)
    _put(catalogue, *(in_catalogue(f"p{n}", embedding=vector) for n, vector in enumerate(vectors)))

    ids, matrix = catalogue.vectors(["p3", "p0", "unheard of", "p4", "p3"])

    assert (sorted(ids), matrix.shape) == (["p0", "p3", "p4"], (3, DIMENSIONS))
    assert matrix.dtype == np.float32
    assert all(row.tobytes() == vectors[int(p[1:])].tobytes() for p, row in zip(ids, matrix, strict=True))


def test_product_ids_are_compared_byte_by_byte(catalogue: ProductCatalogue) -> None:
    for text in ODD_TEXTS:
        assert _put(catalogue, in_catalogue(text, f"text of {text}")) == set()

    assert {p: found.product.text for p, found in catalogue.read(ODD_TEXTS).items()} == {
        text: f"text of {text}" for text in ODD_TEXTS
    }
    assert set(catalogue.unknown([*ODD_TEXTS, "Abc", "abc  "])) == {"Abc", "abc  "}


def test_a_put_that_expects_the_stored_revision_replaces_it(catalogue: ProductCatalogue) -> None:
    _put(catalogue, in_catalogue())
    changed = in_catalogue(text="black tea", embedding=unit_vector(2), model="model-2", revision=2)

    assert _put(catalogue, changed) == set()

    assert _same(catalogue.read(["tea"])["tea"], changed)
    assert catalogue.count() == 1


@pytest.mark.parametrize("revision", [1, 2, 4])
def test_a_put_that_expects_another_revision_is_named_and_changes_nothing(
    catalogue: ProductCatalogue, revision: int
) -> None:
    _put(catalogue, in_catalogue())
    _put(catalogue, in_catalogue(revision=2))

    assert _put(catalogue, in_catalogue(text="other", revision=revision)) == {"tea"}

    assert _same(catalogue.read(["tea"])["tea"], in_catalogue(revision=2))


def test_a_change_of_a_product_that_is_not_there_does_not_match(catalogue: ProductCatalogue) -> None:
    assert _put(catalogue, in_catalogue(revision=2)) == {"tea"}

    assert catalogue.count() == 0


def test_one_put_that_does_not_match_keeps_no_other_from_being_stored(catalogue: ProductCatalogue) -> None:
    _put(catalogue, in_catalogue("tea"), in_catalogue("cup"))

    unmatched = _put(catalogue, in_catalogue("tea"), in_catalogue("cup", revision=2), in_catalogue("new"))

    assert unmatched == {"tea"}
    assert {p: found.revision for p, found in catalogue.read(["tea", "cup", "new"]).items()} == {
        "tea": 1, "cup": 2, "new": 1,
    }  # fmt: skip


def test_of_many_changes_to_the_same_revision_one_matches(catalogue: ProductCatalogue) -> None:
    _put(catalogue, in_catalogue())

    def change(n: int) -> bool:
        return not _put(catalogue, in_catalogue(text=f"by {n}", revision=2))

    with ThreadPoolExecutor(4) as threads:
        matched = list(threads.map(change, range(12)))

    assert matched.count(True) == 1
    assert catalogue.read(["tea"])["tea"].product.text == f"by {matched.index(True)}"


def test_all_embeddings_come_in_pages(catalogue: ProductCatalogue) -> None:
    vectors = unit_vectors(7)
    _put(catalogue, *(in_catalogue(f"p{n}", embedding=vector) for n, vector in enumerate(vectors)))

    pages = list(catalogue.embeddings(3))

    assert all(matrix.shape == (len(ids), DIMENSIONS) and matrix.dtype == np.float32 for ids, matrix in pages)
    assert max(len(ids) for ids, _ in pages) <= 3
    rows = [(product_id, row.tobytes()) for ids, matrix in pages for product_id, row in zip(ids, matrix, strict=True)]
    assert sorted(rows) == [(f"p{n}", vector.tobytes()) for n, vector in enumerate(vectors)]


def test_a_reader_may_stop_in_the_middle_of_all_embeddings(catalogue: ProductCatalogue) -> None:
    _put(catalogue, *(in_catalogue(f"p{n}") for n in range(7)))
    pages = catalogue.embeddings(2)
    next(pages)
    del pages

    assert _put(catalogue, in_catalogue("later")) == set()
    assert catalogue.count() == 8


def test_stamps_say_in_which_revision_products_are_and_since_when(catalogue: ProductCatalogue) -> None:
    changed_at = NOW + timedelta(days=1, microseconds=1)
    _put(catalogue, in_catalogue("tea"), in_catalogue("cup"))
    _put(catalogue, in_catalogue("tea", revision=2, updated_at=changed_at))

    stamps = catalogue.stamps(None, 10)

    assert list(stamps) == [
        ProductStamp(product_id="cup", revision=1, updated_at=NOW),
        ProductStamp(product_id="tea", revision=2, updated_at=changed_at),
    ]
    assert [stamp.updated_at.utcoffset() for stamp in stamps] == [timedelta(0)] * 2


def test_stamps_come_page_by_page_each_product_once(catalogue: ProductCatalogue) -> None:
    _put(catalogue, *(in_catalogue(product_id) for product_id in ODD_TEXTS))

    pages = [catalogue.stamps(None, 2)]
    while pages[-1] and len(pages) <= len(ODD_TEXTS):
        pages.append(catalogue.stamps(pages[-1][-1].product_id, 2))

    assert [len(page) for page in pages] == [2, 2, 2, 2, 2, 1, 0]
    assert [stamp.product_id for page in pages for stamp in page] == sorted(ODD_TEXTS)


def test_a_page_of_stamps_is_full_whatever_stands_between_them(catalogue: ProductCatalogue) -> None:
    others = [in_catalogue(f"p{n}", model="model-2") for n in range(1, 8)]
    _put(catalogue, in_catalogue("p0"), *others, in_catalogue("p8"), in_catalogue("p9"))

    assert [stamp.product_id for stamp in catalogue.stamps("p0", 2)] == ["p8", "p9"]


def test_an_empty_catalogue_has_nothing(catalogue: ProductCatalogue) -> None:
    assert (catalogue.count(), list(catalogue.embeddings(10))) == (0, [])
    assert list(catalogue.stamps(None, 10)) == []


def test_an_id_asked_for_twice_comes_once(catalogue: ProductCatalogue) -> None:
    _put(catalogue, in_catalogue())

    ids, matrix = catalogue.vectors(["tea", "tea"])

    assert (list(ids), len(matrix)) == (["tea"], 1)


def test_the_revision_of_the_catalogue_is_another_one_after_every_put(catalogue: ProductCatalogue) -> None:
    revisions = [catalogue.revision()]
    for expected in (0, 0, 1):  # new, refused, changed
        catalogue.put([CataloguePut(product=in_catalogue("tea"), expected_revision=expected)])
        revisions.append(catalogue.revision())

    assert len(set(revisions)) == 4
    assert catalogue.revision() == revisions[-1]


@pytest.mark.parametrize(
    "other",
    [in_catalogue("cup", model="model-2"), in_catalogue("cup", embedding=unit_vectors(1, DIMENSIONS + 1)[0])],
    ids=["of another model", "of another length"],
)
def test_a_vector_that_is_not_of_our_model_is_unknown_until_it_is_put_anew(
    catalogue: ProductCatalogue, other: ProductEmbedding
) -> None:
    _put(catalogue, in_catalogue("tea"), other)

    assert list(catalogue.vectors(["tea", "cup"])[0]) == ["tea"]
    assert set(catalogue.unknown(["tea", "cup"])) == {"cup"}
    assert list(catalogue.outdated(10)) == [other.product]
    assert [product_id for ids, _ in catalogue.embeddings(10) for product_id in ids] == ["tea"]
    assert [stamp.product_id for stamp in catalogue.stamps(None, 10)] == ["tea"]
    assert _same(catalogue.read(["cup"])["cup"], other)
    assert catalogue.count() == 2

    assert _put(catalogue, in_catalogue("cup", revision=2)) == set()
    assert set(catalogue.unknown(["tea", "cup"])) == set()
    assert list(catalogue.outdated(10)) == []
    assert [stamp.product_id for stamp in catalogue.stamps(None, 10)] == ["cup", "tea"]


def test_no_more_outdated_products_come_than_were_asked_for(catalogue: ProductCatalogue) -> None:
    _put(catalogue, *(in_catalogue(f"p{n}", model="model-2") for n in range(3)))

    assert len(catalogue.outdated(2)) == 2
    assert len(catalogue.outdated(10)) == 3


def _described(product_id: str, revision: int = 1, **values: list[str]) -> ProductEmbedding:
    """A product of the catalogue with attributes."""
    product = Product(product_id=product_id, text="green tea", attributes=attributes_of(values))
    return in_catalogue(product=product, revision=revision)


def _having(catalogue: ProductCatalogue, **values: list[str]) -> list[str]:
    return sorted(catalogue.having(attributes_of(values)))


@pytest.fixture
def described(catalogue: ProductCatalogue) -> ProductCatalogue:
    """A catalogue of products with attributes, and one without."""
    _put(
        catalogue,
        _described("red-s", colour=["red"], size=["S"]),
        _described("red-sm", colour=["red"], size=["S", "M"]),
        _described("blue-m", colour=["blue"], size=["M"]),
        _described("both", colour=["red", "blue"], brand=["x"]),
        in_catalogue("plain"),
    )
    return catalogue


def test_attributes_and_an_own_vector_come_back(catalogue: ProductCatalogue) -> None:
    attributes = attributes_of({text: ["v", text * 20] for text in ODD_TEXTS})
    product = in_catalogue(product=own_product("own", attributes=attributes))

    _put(catalogue, product)

    found = catalogue.read(["own"])["own"]
    assert _same(found, product)
    assert found.product.vector is not None
    assert found.product.vector.tobytes() == product.embedding.tobytes()


def test_a_product_without_them_has_no_attributes_and_no_own_vector(catalogue: ProductCatalogue) -> None:
    _put(catalogue, in_catalogue())

    found = catalogue.read(["tea"])["tea"].product
    assert (found.attributes, found.vector) == (frozenset(), None)


@pytest.mark.parametrize(
    ("wanted", "having"),
    [
        ({"colour": ["red"]}, ["both", "red-s", "red-sm"]),
        ({"colour": ["red", "blue"]}, ["blue-m", "both", "red-s", "red-sm"]),
        ({"colour": ["red"], "size": ["M"]}, ["red-sm"]),
        ({"colour": ["red", "blue"], "size": ["M", "S"]}, ["blue-m", "red-s", "red-sm"]),
        ({"colour": ["red"], "size": ["S"], "brand": ["x"]}, []),
        ({"colour": ["Red"]}, []),
        ({"colour": ["S"]}, []),
        ({"taste": ["red"]}, []),
    ],
)
def test_products_are_found_that_have_a_value_of_each_name(
    described: ProductCatalogue, wanted: dict[str, list[str]], having: list[str]
) -> None:
    assert _having(described, **wanted) == having


def test_names_and_values_are_compared_byte_by_byte(catalogue: ProductCatalogue) -> None:
    for n, text in enumerate(ODD_TEXTS):
        _put(catalogue, _described(f"p{n}", **{"name": [text], text.replace("=", ""): ["value"]}))

    for n, text in enumerate(ODD_TEXTS):
        assert _having(catalogue, name=[text]) == [f"p{n}"]
        assert _having(catalogue, **{text.replace("=", ""): ["value"]}) == [f"p{n}"]
    assert _having(catalogue, name=["abc  "]) == []


def test_a_product_that_is_put_again_has_the_attributes_of_the_last_put_only(described: ProductCatalogue) -> None:
    assert _put(described, _described("red-s", revision=2, colour=["green"])) == set()

    assert _having(described, colour=["green"]) == ["red-s"]
    assert _having(described, size=["S"]) == ["red-sm"]
    assert described.read(["red-s"])["red-s"].product.attributes == {Attribute("colour", "green")}


def test_a_put_that_does_not_match_leaves_the_attributes_as_they_are(described: ProductCatalogue) -> None:
    assert _put(described, _described("red-s", revision=3, colour=["green"])) == {"red-s"}

    assert _having(described, colour=["green"]) == []
    assert _having(described, colour=["red"], size=["S"]) == ["red-s", "red-sm"]


def test_as_many_conditions_as_may_be_are_answered(catalogue: ProductCatalogue) -> None:
    names = [f"name {n}" for n in range(MAX_CONDITIONS)]
    _put(catalogue, *(_described(f"p{n}", **{name: ["a", "b"] for name in names}) for n in range(20)))
    _put(catalogue, _described("one less", **{name: ["a"] for name in names[1:]}))

    assert len(_having(catalogue, **{name: ["a"] for name in names})) == 20
    assert len(_having(catalogue, **{names[0]: [str(n) for n in range(MAX_CONDITIONS - 1)] + ["b"]})) == 20


def test_the_names_of_all_attributes_are_known_in_order(described: ProductCatalogue) -> None:
    assert list(described.attribute_names()) == ["brand", "colour", "size"]


def test_where_nothing_has_attributes_there_are_no_names(catalogue: ProductCatalogue) -> None:
    _put(catalogue, in_catalogue())

    assert (list(catalogue.attribute_names()), _having(catalogue, colour=["red"])) == ([], [])


def test_many_products_with_many_attributes_are_put_at_once(catalogue: ProductCatalogue) -> None:
    values = [f"value {n}" for n in range(100)]
    _put(catalogue, *(_described(f"p{n}", size=values) for n in range(300)))

    assert len(catalogue.having(attributes_of({"size": values[7:9]}))) == 300


def test_outdated_products_are_whole_but_for_their_vector_and_own_vectors_stand_aside(
    catalogue: ProductCatalogue,
) -> None:
    text = Product(product_id="text", text="green tea", attributes=frozenset({Attribute("colour", "red")}))
    own = own_product("own", attributes=text.attributes)
    others = [in_catalogue(product=product, model="model-2") for product in (text, own)]
    _put(catalogue, *others, in_catalogue(product=own_product("ours")))

    assert list(catalogue.outdated(10)) == [text]
    assert list(catalogue.outdated_own()) == ["own"]
