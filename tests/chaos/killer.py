"""Who is killed next, and when: at random, but mostly while there is work."""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from threading import Thread

from attrs import define, field

from tests.chaos.actor import Actor, Role
from tests.chaos.diary import Diary
from tests.chaos.gauge import Gauge
from tests.chaos.plan import Plan
from tests.services import Server

SHARES = {Role.RECORDER: 0.28, Role.RELAY: 0.24, Role.WORKER: 0.48}
PATIENCE_SECONDS = 4.0
"""How long a kill that is due waits for its victim to be at work; then it comes all the same."""
FORGETTING = 0.55
"""Part of that time in which servers that forget are killed: what is lost later is lost by Penchant."""

SPREAD = 0.9
"""Part of the run's time after which all kills are due."""
RELAY_IDLE_SECONDS = 6.0
"""A relay says nothing when it begins; one that has run that long without anything to move has begun, too."""

SERVER_DOWN_SECONDS = (0.5, 2.0)
RESTART_SECONDS = (0.0, 0.6)


@define(kw_only=True, eq=False)
class Killer:
    """Kills one after the other.

    Parameters
    ----------
    forgetful : servers that come back empty.
    on_server_back : called, from another thread, when a killed server answers again.
    """

    plan: Plan
    actors: Sequence[Actor]
    servers: Sequence[Server]
    forgetful: Collection[Server]
    gauge: Gauge
    diary: Diary
    started_at: float
    on_server_back: Callable[[Server], None]
    kills: Counter[str] = field(factory=Counter)
    at_work: int = 0
    errors: list[Exception] = field(factory=list)
    _chooser: random.Random = field(init=False)
    _due: list[tuple[float, Role | Server]] = field(init=False)
    _down: dict[str, Thread] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._chooser = random.Random(self.plan.seed + 7)
        self._due = self._schedule()

    @property
    def left(self) -> int:
        """Kills to come."""
        return len(self._due)

    @property
    def all_up(self) -> bool:
        """Whether every server that was killed is back."""
        return not any(thread.is_alive() for thread in self._down.values())

    def look(self, now: float) -> None:
        """Kill whoever is due and at work."""
        if self.errors:
            raise self.errors[0]
        if not self._due or now < self._due[0][0]:
            return
        due_at, whom = self._due[0]
        overdue = now - due_at > PATIENCE_SECONDS
        victim = self._server(whom) if isinstance(whom, Server) else self._actor(whom)
        if victim is None:
            return
        at_work = self._is_at_work(victim)
        if not at_work and not overdue:
            return
        self._due.pop(0)
        self._put_off(now)
        self.at_work += at_work
        self.diary.note(f"{victim.name} is killed: {self.gauge.depth}")
        if isinstance(victim, Server):
            self.kills[victim.name] += 1
            self._kill_server(victim)
        else:
            self.kills[victim.role.value] += 1
            victim.kill(now + self._chooser.uniform(*RESTART_SECONDS))

    def wait(self) -> None:
        """Wait until every killed server is back."""
        for thread in self._down.values():
            thread.join()

    def _schedule(self) -> list[tuple[float, Role | Server]]:
        each = self._chooser.sample(list(SHARES), len(SHARES))
        more = self._chooser.choices(list(SHARES), list(SHARES.values()), k=self.plan.kills)
        roles = [*each, *more][: self.plan.kills]
        order: list[tuple[float, Role | Server]] = [(self._part(n, len(roles)), role) for n, role in enumerate(roles)]
        for server in self.servers:
            span = FORGETTING if server in self.forgetful else 1.0
            kills = self.plan.server_kills
            order += [(span * self._part(n, kills), server) for n in range(kills)]
        seconds = SPREAD * self.plan.seconds
        return [(self.started_at + part * seconds, whom) for part, whom in sorted(order, key=lambda kill: kill[0])]

    def _part(self, number: int, of: int) -> float:
        """Where in the run the kill with this number comes: they are spread evenly, each at random in its share."""
        return (number + self._chooser.random()) / of

    def _put_off(self, now: float) -> None:
        """Those that are late come one after the other all the same, not at once."""
        if self._due:
            due_at, whom = self._due[0]
            self._due[0] = (max(due_at, now + self._chooser.uniform(0.1, 0.5)), whom)

    def _server(self, server: Server) -> Server | None:
        thread = self._down.get(server.name)
        return None if thread is not None and thread.is_alive() else server

    def _actor(self, role: Role) -> Actor | None:
        """One of them that runs and has begun to work; once recording is over, relay and workers stand in."""
        alive = [actor for actor in self.actors if actor.role is role and not actor.done]
        if not alive:
            alive = [actor for actor in self.actors if not actor.done]
        ready = [actor for actor in alive if actor.running and self._has_begun(actor)]
        return self._chooser.choice(ready) if ready else None

    def _has_begun(self, actor: Actor) -> bool:
        if actor.role is Role.WORKER:
            return actor.has_said(b'"worker_started"')
        if actor.role is Role.RELAY:
            fresh = time.monotonic() - actor.started_at < RELAY_IDLE_SECONDS
            return self.gauge.outbox_fell_at > actor.started_at or not fresh
        return actor.has_said(b"started")

    def _is_at_work(self, victim: Actor | Server) -> bool:
        depth = self.gauge.depth
        if isinstance(victim, Server):
            return depth.has_work
        return bool(depth.ready) if victim.role is Role.WORKER else bool(depth.outbox)

    def _kill_server(self, server: Server) -> None:
        seconds = self._chooser.uniform(*SERVER_DOWN_SECONDS)

        def down() -> None:
            try:
                server.kill()
                time.sleep(seconds)
                server.start()
                self.diary.note(f"{server.name} is back")
                self.on_server_back(server)
            except Exception as error:  # noqa: BLE001  # raised again by the next look
                self.errors.append(error)

        thread = Thread(target=down, name=f"{server.name} is down", daemon=True)
        self._down[server.name] = thread
        thread.start()
