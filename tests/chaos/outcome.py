"""What came of a run, and how that is said."""

from collections import Counter
from collections.abc import Iterator, Mapping

from attrs import frozen

from tests.chaos.plan import Plan
from tests.chaos.verdict import Verdict

SHOWN = 10
WORDS = 300


@frozen(kw_only=True)
class Outcome:
    """What came of a run.

    Parameters
    ----------
    at_work : how many kills came when there was something to do.
    answers_lost : events that were accepted by a call whose answer never came, and were sent again.
    refused : messages that were refused, with the reason; there should be none.
    redeliveries : messages that RabbitMQ handed out again, as far as it told before it was killed.
    published : messages that it received, as far as it told.
    races : states whose write lost against another writer, as far as workers told before they were killed.
    rebuilt : users that workers computed anew, as far as they told.
    caught_up : events that catch-up sent on their way again when MongoDB had forgotten everything.
    late : events that only a catch-up at the end brought, by message id; there should be none.
    dead : dead letters by reason; all were retried.
    ends : how often which process ended by itself with which code.
    last_words : what they said then.
    mismatches : users that `penchant verify` found to be wrong.
    """

    plan: Plan
    verdict: Verdict
    seconds: float
    messages: int
    users: int
    kills: Mapping[str, int]
    at_work: int
    answers_lost: int
    refused: Mapping[str, int]
    redeliveries: int
    published: int
    races: int
    rebuilt: int
    caught_up: int
    late: Mapping[str, str]
    imports: int
    dead: Mapping[str, int]
    ends: Mapping[str, Mapping[int, int]]
    last_words: Mapping[str, int]
    mismatches: int
    mongodb_forgets: bool

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost, nothing counts twice, and everybody agrees."""
        right = not (self.verdict.wrong or self.verdict.lost or self.verdict.twice)
        complete = self.verdict.accepted == self.plan.events and not self.refused
        return right and complete and not self.mismatches and not self.late

    @property
    def killed(self) -> int:
        """All kills."""
        return sum(self.kills.values())

    def lines(self) -> Iterator[str]:
        """All that is to be said, the summary last."""
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        yield f"{self.messages:,} messages of {self.users:,} users in {self.seconds:.0f} s, seed {self.plan.seed}"
        yield f"killed: {kills}; {self.at_work} of {self.killed} while outbox or queue held work"
        yield f"{self.answers_lost:,} events were accepted though their answer was lost, and sent again by the client"
        repeats = self.published - self.verdict.accepted
        yield f"at least {max(repeats, 0):,} events came to the queue again: relays, imports, catch-up, dead letters"
        yield f"workers rebuilt users at least {self.rebuilt:,} times"
        if self.mongodb_forgets and self.kills.get("MongoDB"):
            yield (
                "MongoDB is a STAND-IN that forgets everything when it is killed: catch-up sent "
                f"{self.caught_up:,} events again, and {self.imports} imports of the catalogue those with a product"
            )
        yield from self._late()
        yield from self._dead()
        for name, codes in sorted(self.ends.items()):
            yield f"{name} ended by itself: " + ", ".join(f"{n} times with {code}" for code, n in codes.items())
        for words, count in Counter(self.last_words).most_common(SHOWN):
            yield f"its last words, {count} times: {words[:WORDS]}"
        for reason, count in sorted(self.refused.items()):
            yield f"REFUSED {count} times: {reason}"
        for user_id, problem in list(self.verdict.wrong.items())[:SHOWN]:
            yield f"WRONG user {user_id!r}: {problem}"
        if self.verdict.wrong:
            yield f"{len(self.verdict.wrong):,} of {self.users:,} users are WRONG"
        yield f"penchant verify --all: {self.mismatches} mismatches"
        yield self.summary

    @property
    def summary(self) -> str:
        """The last line."""
        verdict = self.verdict
        late = f", {len(self.late)} HEALED ONLY AT THE END" if self.late else ""
        return (
            f"{verdict.accepted} accepted, {verdict.applied} applied, {verdict.lost} lost, {verdict.twice} twice, "
            f"{self.killed} kills, at least {self.redeliveries} redeliveries, at least {self.races} write races lost"
        ) + late

    def _late(self) -> Iterator[str]:
        if self.late:
            yield f"LOST ON THE WAY: {len(self.late):,} events came through only by a catch-up at the end"
        for message_id, text in list(self.late.items())[:SHOWN]:
            yield f"LOST ON THE WAY: {message_id} of {text}"

    def _dead(self) -> Iterator[str]:
        if not self.dead:
            yield "no event died"
        for reason, count in Counter(self.dead).most_common(SHOWN):
            yield f"died and was retried, {count:,} times: {reason}"
