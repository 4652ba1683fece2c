"""Penchant beside plain Celery on the servers that production runs on, 1536 dimensions: how fast, and how many lost."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import asdict, frozen

from benchmarks import stack
from benchmarks.contest import PROCESSES, Outcome, penchant_round
from benchmarks.measure import spread
from benchmarks.peers.celery_peer import celery_round
from benchmarks.report import Report
from benchmarks.shop import DIMENSIONS, USERS, mixed, purchases
from domain.interaction import Interaction


@frozen(kw_only=True)
class Scenario:
    """What both are given, and how often."""

    name: str
    title: str
    events: Sequence[Interaction]
    backlog: bool
    rounds: int


class Contestant(Protocol):
    """Lets somebody work on events."""

    def __call__(self, stack: stack.Stack, events: Sequence[Interaction], *, backlog: bool) -> Outcome: ...


CONTESTANTS: Mapping[str, Contestant] = {"Penchant": penchant_round, "Celery": celery_round}


def scenarios() -> list[Scenario]:
    """A backlog and a stream of invoices, and the hardest order for batches: hardly two events of a user in one."""
    real = purchases()
    return [
        Scenario(name="backlog", title="waiting in the queue", events=real, backlog=True, rounds=3),
        Scenario(name="stream", title="published meanwhile", events=real, backlog=False, rounds=3),
        Scenario(name="mixed", title="waiting, in random order", events=mixed(real), backlog=True, rounds=1),
    ]


def main(report: Report) -> None:
    """Let both work on the same events in turn, and print a table for each scenario."""
    with stack.running() as servers:
        for scenario in scenarios():
            show(report, servers, scenario, rounds_in_turn(CONTESTANTS, servers, scenario))


def show(report: Report, servers: stack.Stack, scenario: Scenario, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """The table of a scenario."""
    events = len(scenario.events)
    rates = {who: [events / outcome.seconds for outcome in some] for who, some in outcomes.items()}
    bulk = {who: [events / outcome.seconds_to_99 for outcome in some] for who, some in outcomes.items()}
    report.table(
        f"production-{scenario.name}",
        f"{events:,} purchases of {USERS} users, {scenario.title}; {DIMENSIONS} dimensions, {PROCESSES} processes,"
        f" {scenario.rounds} round(s) in turn",
        ("", "events/s to the last write", "events/s to 99 %", "lost, by round", "wrong users", "MiB a process"),
        [
            (
                who,
                spread(rates[who]),
                spread(bulk[who]),
                ", ".join(str(outcome.lost) for outcome in some),
                ", ".join(str(outcome.wrong_users) for outcome in some),
                f"{max(outcome.peak_bytes for outcome in some) / 2**20:.0f}",
            )
            for who, some in outcomes.items()
        ],
        raw={who: [asdict(outcome) for outcome in some] for who, some in outcomes.items()},
        notes=(
            f"Penchant is {_ratio(rates)} times as fast to the last write, {_ratio(bulk)} to 99 %.",
            *(_cpu(who, some) for who, some in outcomes.items()),
            servers.described,
        ),
    )


def rounds_in_turn(
    contestants: Mapping[str, Contestant], servers: stack.Stack, scenario: Scenario
) -> dict[str, list[Outcome]]:
    """The outcomes of each contestant, A B A B A B."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in contestants}
    for _ in range(scenario.rounds):
        for name, contestant in contestants.items():
            outcomes[name].append(contestant(servers, scenario.events, backlog=scenario.backlog))
    return outcomes


def _ratio(rates: Mapping[str, Sequence[float]]) -> str:
    ratios = sorted(ours / theirs for ours, theirs in zip(rates["Penchant"], rates["Celery"], strict=True))
    return f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"


def _cpu(who: str, outcomes: Sequence[Outcome]) -> str:
    """Where the processors' time went in the median round."""
    typical = sorted(outcomes, key=lambda outcome: outcome.seconds)[len(outcomes) // 2]
    used = ", ".join(f"{name} {seconds:.1f}" for name, seconds in typical.cpu.items() if seconds >= 0.05)
    return f"{who}: processor seconds in {typical.seconds:.1f} s: {used}"
