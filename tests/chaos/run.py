"""One run: everything starts, records, is killed, heals and is judged."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from attrs import asdict, define, field, frozen

from tests.chaos.actor import Actor, Role
from tests.chaos.diary import Diary
from tests.chaos.gauge import Gauge
from tests.chaos.healing import Healing
from tests.chaos.house import House, program
from tests.chaos.killer import Killer
from tests.chaos.ledger import Entry, LineCount, entries_of
from tests.chaos.outcome import Outcome
from tests.chaos.plan import Plan
from tests.chaos.recorder import Task
from tests.chaos.script import WAVES, Script, write_script
from tests.chaos.shopkeeper import Shopkeeper
from tests.chaos.told import not_told, sums, told
from tests.chaos.truth import truth_of
from tests.chaos.verdict import judge, stored_in
from tests.services import Server

LOOK_SECONDS = 0.02
SHOW_SECONDS = 0.5
FINISHED = 0.95
"""Recorders have sent everything after this part of the run's time, if nothing is in their way."""


@frozen(kw_only=True)
class Progress:
    """How far a run is."""

    doing: str
    answered: int
    messages: int
    """All that are to be answered."""
    kills: int
    outbox: int | None
    queued: int | None


@define(kw_only=True, eq=False)
class Run:
    """A run of a plan in a house; its files are in `folder`."""

    plan: Plan
    house: House
    folder: Path
    show: Callable[[Progress], None]
    script: Script
    _started_at: float = field(factory=time.monotonic, init=False)
    _shown_at: float = field(default=0.0, init=False)
    _actors: list[Actor] = field(factory=list, init=False)
    _killer: Killer | None = field(default=None, init=False)
    _gauge: Gauge = field(init=False)
    _keeper: Shopkeeper = field(init=False)
    _diary: Diary = field(init=False)
    _counts: Sequence[LineCount] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._gauge = Gauge(self.house)
        self._diary = Diary(self.folder / "diary.log")
        self._keeper = Shopkeeper(house=self.house, waves=self.script.waves, folder=self.folder, diary=self._diary)
        self._counts = [LineCount(self._ledger(number)) for number in range(self.plan.recorders)]

    def __call__(self) -> Outcome:
        """Do it. Raises NotHealed where something is left to be done when the time is up."""
        with ExitStack() as stack:
            stack.enter_context(self._gauge)
            stack.enter_context(self._keeper)
            self._keeper.order(1)
            self._until(lambda: self._keeper.idle, "importing the first products")
            self._actors += self._cast()
            stack.callback(self._end)
            self._killer = killer = self._made_killer()
            stack.callback(killer.wait)
            self._until(self._all_recorded, "recording")
            healing = self._made_healing(killer)
            healing.start()
            self._until(lambda: healing.ended, lambda: f"healing: {healing.doing}")
            if healing.error is not None:
                raise healing.error
        return self._judged(killer, healing)

    def _until(self, condition: Callable[[], bool], doing: str | Callable[[], str]) -> None:
        deadline = self._started_at + 1.2 * self.plan.deadline_seconds
        while not condition():
            now = time.monotonic()
            if now > deadline:
                raise TimeoutError(f"{doing if isinstance(doing, str) else doing()}: no end of it")
            for actor in self._actors:
                actor.look(now)
            if self._killer is not None:
                self._killer.look(now)
                self._import_what_is_due()
            if now - self._shown_at >= SHOW_SECONDS:
                self._shown_at = now
                self.show(self._progress(doing if isinstance(doing, str) else doing()))
            time.sleep(LOOK_SECONDS)

    def _progress(self, doing: str) -> Progress:
        depth = self._gauge.depth
        killed = sum(self._killer.kills.values()) if self._killer is not None else 0
        return Progress(
            doing=doing,
            answered=self._answered(),
            messages=self.script.length,
            kills=killed,
            outbox=depth.outbox,
            queued=depth.queued,
        )

    def _answered(self) -> int:
        return sum(count.now() for count in self._counts)

    def _all_recorded(self) -> bool:
        return all(actor.done for actor in self._actors if actor.role is Role.RECORDER)

    def _import_what_is_due(self) -> None:
        part = self._answered() / self.script.length
        due = sum(part >= begin for begin in WAVES)
        if due > self._keeper.waves_ordered:
            self._keeper.order(due)

    def _server_is_back(self, server: Server) -> None:
        if server is self.house.mongodb and self.house.mongodb_forgets:
            self._keeper.restore()

    def _made_killer(self) -> Killer:
        return Killer(
            plan=self.plan,
            actors=self._actors,
            servers=self.house.servers,
            forgetful=[self.house.mongodb] if self.house.mongodb_forgets else [],
            gauge=self._gauge,
            diary=self._diary,
            started_at=time.monotonic(),
            on_server_back=self._server_is_back,
        )

    def _made_healing(self, killer: Killer) -> Healing:
        def is_calm() -> bool:
            return not killer.left and killer.all_up and self._keeper.idle

        deadline = self._started_at + self.plan.deadline_seconds
        return Healing(house=self.house, gauge=self._gauge, calm=is_calm, deadline=deadline)

    def _cast(self) -> list[Actor]:
        """The processes; the next look starts them."""
        worker = (
            "worker",
            "--no-relay",
            "--batch-size",
            str(self.plan.batch_size),
            "--prefetch",
            str(self.plan.batch_size),
        )
        commands = {
            **{f"worker-{n + 1}": (Role.WORKER, program(*worker)) for n in range(self.plan.workers)},
            "relay": (Role.RELAY, program("relay")),
            **{f"recorder-{n + 1}": (Role.RECORDER, self._recorder(n)) for n in range(self.plan.recorders)},
        }
        return [
            Actor(
                name=name,
                role=role,
                command=command,
                environment=self.house.variables,
                log=self.folder / f"{name}.log",
            )
            for name, (role, command) in commands.items()
        ]

    def _recorder(self, number: int) -> list[str]:
        """The command of a recorder, whose task is put into files."""
        script = self.folder / f"script-{number}.jsonl"
        script.write_text("".join(json.dumps(message) + "\n" for message in self.script.lines[number]))
        task = Task(
            script=str(script),
            ledger=str(self._ledger(number)),
            started_at=time.time(),
            rate=len(self.script.lines[number]) / (FINISHED * self.plan.seconds),
        )
        path = self.folder / f"task-{number}.json"
        path.write_text(json.dumps(asdict(task)))
        return [sys.executable, "-m", "tests.chaos.recorder", str(path)]

    def _ledger(self, number: int) -> Path:
        return self.folder / f"ledger-{number}.jsonl"

    def _end(self) -> None:
        for actor in self._actors:
            actor.stop()

    def _judged(self, killer: Killer, healing: Healing) -> Outcome:
        entries = [entry for n in range(self.plan.recorders) for entry in entries_of(self._ledger(n))]
        accepted = [entry for entry in entries if entry.status != "refused"]
        truth = truth_of(accepted)
        container = self.house.container()
        try:
            verdict = judge(truth, stored_in(container, truth))
        finally:
            container.shutdown_resources()
        journal = list(told(chain.from_iterable(actor.lines() for actor in self._actors)))
        settled = sums(journal, "deliveries_settled")
        return Outcome(
            plan=self.plan,
            verdict=verdict,
            seconds=time.monotonic() - self._started_at,
            messages=len(entries),
            users=len(truth.positions),
            kills=killer.kills,
            at_work=killer.at_work,
            answers_lost=_answers_lost(accepted),
            refused=Counter(entry.reason for entry in entries if entry.status == "refused"),
            redeliveries=self._gauge.counters.redelivered,
            published=self._gauge.counters.received,
            races=settled["write_races_lost"],
            rebuilt=settled["users_rebuilt"],
            caught_up=self._keeper.caught_up,
            late=healing.late,
            imports=self._keeper.imports,
            dead=healing.dead,
            ends={actor.name: actor.ends for actor in self._actors if actor.ends},
            last_words=Counter(chain.from_iterable(_last_words(actor) for actor in self._actors)),
            mismatches=healing.verification["mismatches"],
            mongodb_forgets=self.house.mongodb_forgets,
        )


def run(plan: Plan, house: House, folder: Path, show: Callable[[Progress], None]) -> Outcome:
    """Run `plan` in `house`, with all files in `folder`, and tell `show` about twice a second how far it is."""
    script = write_script(plan, datetime.now(UTC))
    return Run(plan=plan, house=house, folder=folder, show=show, script=script)()


def _last_words(actor: Actor) -> list[str]:
    """What a process said that is neither its journal nor a client's note: why it ended by itself."""
    return [] if actor.role is Role.RECORDER else not_told(actor.lines())


def _answers_lost(accepted: Sequence[Entry]) -> int:
    """Events that no ledger has as recorded: the answer to the call that did it never came."""
    answered = {entry.accepted_as for entry in accepted if entry.status == "recorded"}
    return len({entry.accepted_as for entry in accepted} - answered)
