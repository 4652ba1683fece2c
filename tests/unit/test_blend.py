import pytest

from domain.blend import MAX_WEIGHT, Blend, Source
from domain.errors import InvalidValueError


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {Source.EMBEDDING: 1.0},
        {Source.EMBEDDING: 1.0, Source.POPULAR: -0.1, Source.BOUGHT_WITH: 1.0},
        {Source.EMBEDDING: 1.0, Source.POPULAR: float("nan"), Source.BOUGHT_WITH: 1.0},
        {Source.EMBEDDING: 1.0, Source.POPULAR: MAX_WEIGHT + 1, Source.BOUGHT_WITH: 1.0},
    ],
)
def test_weights_that_are_none_are_refused(weights: dict[Source, float]) -> None:
    with pytest.raises(InvalidValueError, match="give one for each of embedding, bought_with, popular"):
        Blend(weights=weights)


def test_sources_that_all_weigh_nothing_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="let at least one source count"):
        Blend(weights=dict.fromkeys(Source, 0.0))


def test_there_must_be_a_source_that_counts() -> None:
    graph_only = Blend(weights={**dict.fromkeys(Source, 0.0), Source.BOUGHT_WITH: 1.0})

    graph_only.check_for(list(Source))
    with pytest.raises(InvalidValueError, match="set PENCHANT_BLEND_EMBEDDING to more than 0"):
        graph_only.check_for([Source.EMBEDDING])
