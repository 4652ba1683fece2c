from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import numpy as np
import pytest

from adapters.memory.embedder import HashingEmbedder
from adapters.memory.product_catalogue import MemoryPhraseVectors
from adapters.memory.system import CountingMetrics, ManualClock
from application.phrases import AT_ONCE, PROBE, EmbedPhrases
from domain.errors import ConfigurationError, PenchantError, PermanentError, TransientError, UnavailableError
from tests.builders import DIMENSIONS, NOW

MANY = [f"phrase {number:04}" for number in range(AT_ONCE + 500)]


class TroubledEmbedder(HashingEmbedder):
    """Remembers what it was asked, and fails with `trouble` while there is one, or for a text in `refused`."""

    def __init__(self) -> None:
        super().__init__(DIMENSIONS)
        self.trouble: PenchantError | None = None
        self.refused: set[str] = set()
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(list(texts))
        if self.trouble is not None:
            raise self.trouble
        if self.refused & set(texts):
            raise PermanentError("It refuses one of these texts.")
        return super().embed(texts)


class Phrases:
    """The use case, and what is around it."""

    def __init__(self) -> None:
        self.embedder = TroubledEmbedder()
        self.vectors = MemoryPhraseVectors(DIMENSIONS)
        self.clock = ManualClock(NOW)
        self.metrics = CountingMetrics()
        self._embed = EmbedPhrases(self.embedder, self.vectors, self.clock, self.metrics)

    def __call__(self, *phrases: str) -> Mapping[str, PenchantError]:
        return self._embed(phrases)

    def stored(self, phrases: Collection[str]) -> set[str]:
        return set(self.vectors.get(self.embedder.model, phrases)[0])

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def phrases() -> Phrases:
    return Phrases()


def test_phrases_are_embedded_once_and_for_good(phrases: Phrases) -> None:
    assert phrases("tea", "mug") == {}
    assert phrases("mug", "pot") == {}

    assert phrases.embedder.asked == [["mug", "tea"], ["pot"]]
    assert phrases.stored(["tea", "mug", "pot"]) == {"tea", "mug", "pot"}
    assert phrases.metrics.counters["penchant_phrases_embedded_total"] == 3


def test_for_no_phrases_nobody_is_asked(phrases: Phrases) -> None:
    assert phrases() == {}
    assert phrases.embedder.asked == []


def test_one_refused_phrase_fails_no_other(phrases: Phrases) -> None:
    phrases.embedder.refused = {"bad"}

    failures = phrases("a", "b", "bad", "c", "d")

    assert {phrase: type(error) for phrase, error in failures.items()} == {"bad": PermanentError}
    assert phrases.stored(["a", "b", "c", "d"]) == {"a", "b", "c", "d"}


def test_many_phrases_are_stored_part_by_part(phrases: Phrases) -> None:
    assert phrases(*MANY) == {}

    assert [len(texts) for texts in phrases.embedder.asked] == [AT_ONCE, 500]


def test_what_was_stored_before_the_service_went_away_is_not_asked_for_again(phrases: Phrases) -> None:
    phrases.embedder.refused = {MANY[-1]}
    phrases(*MANY)
    asked = len(phrases.embedder.asked)
    phrases.embedder.refused = set()

    phrases(*MANY)

    assert phrases.embedder.asked[asked:] == [[MANY[-1]]]


def test_an_embedder_out_of_reach_is_left_alone_until_the_pause_has_passed(phrases: Phrases) -> None:
    phrases.embedder.trouble = UnavailableError("The service does not answer.")
    phrases("tea")

    for seconds in (0.0, 0.5, 0.4):
        phrases.wait(seconds)
        failures = phrases("tea", "mug")
        assert {str(error) for error in failures.values()} == {"The service does not answer."}
        assert {type(error) for error in failures.values()} == {UnavailableError}
    assert len(phrases.embedder.asked) == 1

    phrases.wait(0.1)
    phrases("tea")
    assert len(phrases.embedder.asked) == 2


def test_the_pause_that_the_service_asks_for_is_obeyed(phrases: Phrases) -> None:
    phrases.embedder.trouble = UnavailableError("Too many requests.", retry_after_seconds=30.0)
    phrases("tea")
    phrases.embedder.trouble = None

    phrases.wait(29.9)
    error = phrases("tea")["tea"]
    assert isinstance(error, UnavailableError)
    assert error.retry_after_seconds == pytest.approx(0.1)
    assert len(phrases.embedder.asked) == 1

    phrases.wait(0.1)
    assert phrases("tea") == {}


def test_pauses_grow_to_a_minute_and_a_success_makes_them_short_again(phrases: Phrases) -> None:
    def asked_after(seconds: float, phrase: str = "tea") -> int:
        phrases.wait(seconds)
        before = len(phrases.embedder.asked)
        phrases(phrase)
        return len(phrases.embedder.asked) - before

    phrases.embedder.trouble = UnavailableError("The service does not answer.")
    phrases("tea")
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        assert asked_after(pause - 0.5) == 0
        assert asked_after(0.5) == 1
    phrases.embedder.trouble = None
    phrases.wait(60)
    assert phrases("tea") == {}

    phrases.embedder.trouble = UnavailableError("The service does not answer.")
    phrases("mug")
    assert asked_after(0.5, "mug") == 0
    assert asked_after(0.5, "mug") == 1


def test_an_embedder_that_hangs_takes_a_fifth_of_the_time_at_the_most(phrases: Phrases) -> None:
    class Hanging(TroubledEmbedder):
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            phrases.wait(30)
            raise UnavailableError("The service did not answer in time.")

    embed = EmbedPhrases(Hanging(), phrases.vectors, phrases.clock, phrases.metrics)
    begun, waited, batches = phrases.clock.monotonic(), 0.0, 0

    while phrases.clock.monotonic() - begun < 3_600:
        before = phrases.clock.monotonic()
        assert set(embed(["tea"])) == {"tea"}
        waited += phrases.clock.monotonic() - before
        phrases.wait(0.5)
        batches += 1

    assert 0 < waited <= 3_600 / 5 + 30
    assert batches > 5_000


def test_stored_phrases_do_not_notice_that_the_embedder_is_gone(phrases: Phrases) -> None:
    phrases("tea")
    phrases.embedder.trouble = UnavailableError("The service does not answer.")

    assert set(phrases("tea", "mug")) == {"mug"}
    assert set(phrases("tea", "mug")) == {"mug"}


def test_after_a_pause_a_few_phrases_are_tried_before_all_are_sent(phrases: Phrases) -> None:
    phrases.embedder.trouble = UnavailableError("The service does not answer.")
    phrases(*MANY[:100])
    phrases.wait(1)

    failures = phrases(*MANY[:100])
    assert len(phrases.embedder.asked[1]) == PROBE
    assert len(phrases.embedder.asked) == 2
    assert set(failures) == set(MANY[:100])

    phrases.embedder.trouble = None
    phrases.wait(2)
    assert phrases(*MANY[:100]) == {}
    assert [len(texts) for texts in phrases.embedder.asked[2:]] == [PROBE, 100 - PROBE]


def test_a_service_that_refuses_the_phrase_it_is_tried_with_has_answered(phrases: Phrases) -> None:
    phrases.embedder.trouble = UnavailableError("The service does not answer.")
    phrases("bad")
    phrases.embedder.trouble, phrases.embedder.refused = None, {"bad"}
    phrases.wait(1)

    assert set(phrases("bad")) == {"bad"}
    assert phrases(*MANY[:100]) == {}

    assert len(phrases.embedder.asked[-1]) == 100


def test_a_passing_failure_of_one_request_pauses_nothing(phrases: Phrases) -> None:
    phrases.embedder.trouble = TransientError("Somebody else was first.")
    assert set(phrases("tea")) == {"tea"}
    phrases.embedder.trouble = None

    assert phrases("tea") == {}


def test_a_wrong_setting_is_no_fault_of_any_phrase(phrases: Phrases) -> None:
    phrases.embedder.trouble = ConfigurationError("OPENAI_API_KEY is refused.")

    with pytest.raises(ConfigurationError):
        phrases("tea", "mug", "pot")

    assert len(phrases.embedder.asked) == 1


def test_an_answer_to_an_earlier_request_does_not_end_a_pause(phrases: Phrases) -> None:
    gone = UnavailableError("Too many requests.", retry_after_seconds=30.0)

    class Overtaken(TroubledEmbedder):
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            if "slow" in texts:  # while this answer is under way, another thread's request is told to wait
                self.trouble = gone
                embed(["quick"])
                self.trouble = None
            return super().embed(texts)

    embedder = Overtaken()
    embed = EmbedPhrases(embedder, phrases.vectors, phrases.clock, phrases.metrics)

    assert embed(["slow"]) == {}

    assert set(embed(["later"])) == {"later"}
    assert ["later"] not in embedder.asked


def test_a_storm_of_refusals_for_now_kills_no_phrase(phrases: Phrases) -> None:
    phrases.embedder.trouble = UnavailableError("Too many requests.", retry_after_seconds=5.0)

    for _ in range(200):
        failures = phrases(*MANY[:50])
        assert len(failures) == 50
        assert all(isinstance(error, UnavailableError) for error in failures.values())
        phrases.wait(1)
    assert len(phrases.embedder.asked) < 10

    phrases.embedder.trouble = None
    phrases.wait(60)
    assert phrases(*MANY[:50]) == {}
    assert phrases.stored(MANY[:50]) == set(MANY[:50])
