"""Whoever follows at once, in any order of all calls, and whoever is killed meanwhile: every point ends right."""

from collections.abc import Sequence

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports.message_source import Verdict
from domain.interaction import Event
from tests.builders import bought, retraction, viewed
from tests.interleaving import Actor, Interleaving
from tests.shop import Shop
from tests.unit.index_side import IndexSide, IndexStorage

EVENTS: Sequence[Event] = (
    viewed("m1", "tea"),
    bought("m2", "mug"),
    viewed("b1", "mug", "bob"),
    retraction("m3", "m2"),
    viewed("b2", "tea", "bob"),
    retraction("b3", "b1", user_id="bob"),
    viewed("m4", "mug"),
)
IDS = tuple(event.message_id for event in EVENTS)
FOLLOWERS = 3


@define(eq=False)
class House:
    """A shop, its index, and several processes on both."""

    interleaving: Interleaving
    shop: Shop = field(factory=Shop)
    storage: IndexStorage = field(factory=IndexStorage)
    pending: list[str] = field(factory=lambda: list(IDS))
    held: dict[Actor, Sequence[str]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.shop.stock(tea="green tea", mug="blue mug")

    def process(self) -> Shop:
        """One more process on the same storage."""
        return Shop(self.shop.storage, through=self.interleaving.through)

    def worker(self) -> Actor:
        """One of the embeddings."""
        process = self.process()
        return self.interleaving.start("worker", lambda: process.work(batch_size=2))

    def rebuilder(self) -> Actor:
        """One that rebuilds everybody, and wakes the index by their last events."""
        process = self.process()
        return self.interleaving.start("rebuilder", lambda: process.rebuild(["ann", "bob"]))

    def follower(self, size: int) -> Actor | None:
        """One of the index, with a batch of what waits."""
        batch, self.pending = self.pending[:size], self.pending[size:]
        if not batch:
            return None
        process = self.process()
        side = IndexSide(process, self.storage, through=self.interleaving.through)
        actor = self.interleaving.start("follower", lambda: side.deliver(*batch))
        self.held[actor] = batch
        return actor

    def settle(self, actor: Actor, *, killed: bool) -> None:
        """Bring back what a follower has not settled, or what a rebuilder wakes."""
        batch = self.held.pop(actor, ())
        if killed:
            self.pending += batch
            return
        if batch:
            self.pending += [
                outcome.delivery.logged.event.message_id
                for outcome in actor.result.outcomes
                if outcome.verdict is not Verdict.APPLIED
            ]
        elif actor.name == "rebuilder":
            self.pending += ["m4", "b3"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_point_ends_right(data: st.DataObject) -> None:
    interleaving = Interleaving()
    try:
        house = House(interleaving)
        house.shop.record(*EVENTS)
        actors: list[Actor] = [house.worker(), house.worker(), house.rebuilder()]
        for _ in range(data.draw(st.integers(5, 60))):
            if len(house.held) < FOLLOWERS and (follower := house.follower(data.draw(st.integers(1, 4)))) is not None:
                actors.append(follower)
            actor = data.draw(st.sampled_from(actors))
            dies = actor in house.held and data.draw(st.integers(0, 9)) == 0
            for _ in range(1 if dies else data.draw(st.integers(1, 6))):
                actor.kill(after_call=data.draw(st.booleans())) if dies else actor.step()
            if actor.finished:
                actors.remove(actor)
                house.settle(actor, killed=dies)
            if not actors:
                actors.append(house.worker())
        for actor in actors:
            actor.run()
            house.settle(actor, killed=False)
        house.shop.work()
        while (last := house.follower(3)) is not None:
            last.run()
            house.settle(last, killed=False)

        assert list(IndexSide(house.shop, house.storage).wrong()) == []
    finally:
        interleaving.close()
