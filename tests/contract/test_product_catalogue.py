"""What every catalogue promises."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest

from application.ports.product_catalogue import CataloguePut, ProductCatalogue, ProductStamp
from domain.product import ProductEmbedding
from tests.builders import DIMENSIONS, NOW, ODD_TEXTS, in_catalogue, unit_vector, unit_vectors


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
