import pytest
from attrs import evolve

from application.setup import Setup
from application.targets import DISCOVERIES
from application.tuning import TargetTest, Tuning
from domain.blend import Blend, Source
from domain.bootstrap import Estimate
from domain.decay import Decay
from domain.interaction import EventType
from entrypoints.cli.tuning_report import print_tuning, verdict_sentence
from tests.shop import RECIPE

NOW = Setup(recipe=RECIPE, blend=Blend())
FOUND = evolve(NOW, recipe=evolve(RECIPE, decay=Decay.of_half_life(3)))


def _estimate(low: float) -> Estimate:
    return Estimate(value=low + 0.1, low=low, high=low + 0.2)


def _tuning(over_now: float, over_popularity: float, now_over_popularity: float, hits_over_now: float) -> Tuning:
    """One of these gains of MRR at the least, and in hit rate."""
    measured = {"MRR": _estimate(0.1), "hit rate@10": _estimate(0.2), "NDCG@10": _estimate(0.1)}
    target = TargetTest(
        name=DISCOVERIES,
        metrics={"as set now": measured, "as found": measured},
        over_now={"MRR": _estimate(over_now), "hit rate@10": _estimate(hits_over_now), "NDCG@10": _estimate(-0.1)},
        over_popularity={"MRR": _estimate(over_popularity)},
        now_over_popularity={"MRR": _estimate(now_over_popularity)},
    )
    return Tuning(
        at_us=0,
        types=[EventType.PURCHASE],
        sources=[Source.EMBEDDING, Source.POPULAR],
        parts=3,
        tried=20,
        users=100,
        now=NOW,
        found=FOUND,
        now_score=0.1,
        found_score=0.2,
        popularity="bestsellers",
        targets=(target,),
        notes=(),
    )


@pytest.mark.parametrize(
    ("over_now", "over_popularity", "now_over_popularity", "said"),
    [
        (0.01, 0.02, 0.01, "What was found is better than what is set (+0.1100 MRR, 95% +0.010…+0.210) and than"),
        (0.01, -0.02, 0.01, "What was found is better than what is set (+0.1100 MRR, 95% +0.010…+0.210), which is"),
        (
            -0.01,
            0.02,
            -0.01,
            "What was found is better than popularity (+0.1200 MRR, 95% +0.020…+0.220). Of what is set",
        ),
        (-0.01, 0.02, 0.01, "Keep what is set: what was found is not shown to be better (+0.0900"),
        (-0.01, -0.02, -0.01, "Nothing beats popularity here: neither what is set (+0.0900"),
    ],
)
def test_the_sentence_says_what_the_intervals_say(
    over_now: float, over_popularity: float, now_over_popularity: float, said: str
) -> None:
    assert verdict_sentence(_tuning(over_now, over_popularity, now_over_popularity, -0.1)).startswith(said)


def test_what_is_better_by_another_measure_is_told_with_the_way_to_set_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_tuning(_tuning(-0.01, 0.02, 0.01, 0.05), ks=(10,))

    shown = " ".join(capsys.readouterr().out.split())
    assert "Keep what is set" in shown
    assert "By other measures it is better, if these are what counts for you: hit rate@10 (+0.150" in shown
    assert "penchant recipe set --half-life-days 3" in shown


def test_what_is_better_by_nothing_is_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    print_tuning(_tuning(-0.01, 0.02, 0.01, -0.05), ks=(10,))

    assert "penchant recipe set" not in capsys.readouterr().out
