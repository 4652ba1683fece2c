import pytest

from domain.rank_fusion import RANK_CONSTANT, fuse


def test_what_two_rankings_agree_on_comes_first() -> None:
    fused = fuse({"a": ["tea", "mug", "pot"], "b": ["mug", "tin", "tea"]})

    assert [id_ for id_, _ in fused] == ["mug", "tea", "tin", "pot"]
    assert dict(fused)["mug"] == pytest.approx(1 / (RANK_CONSTANT + 2) + 1 / (RANK_CONSTANT + 1))


def test_one_ranking_alone_keeps_its_order() -> None:
    assert [id_ for id_, _ in fuse({"a": ["pot", "mug", "tea"]})] == ["pot", "mug", "tea"]


def test_a_source_of_twice_the_weight_wins() -> None:
    fused = fuse({"a": ["tea"], "b": ["mug"]}, {"b": 2.0})

    assert [id_ for id_, _ in fused] == ["mug", "tea"]


def test_a_source_without_weight_adds_nothing() -> None:
    fused = dict(fuse({"a": ["tea"], "b": ["mug"]}, {"b": 0.0}))

    assert fused["mug"] == 0


def test_equal_ones_come_by_id() -> None:
    assert [id_ for id_, _ in fuse({"a": ["tea"], "b": ["mug"]})] == ["mug", "tea"]


def test_nothing_comes_of_nothing() -> None:
    assert fuse({}) == []
    assert fuse({"a": []}) == []
