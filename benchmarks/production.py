"""Penchant beside plain Celery on the servers that production runs on, 1536 dimensions: how fast, and how many lost."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import asdict

from benchmarks import stack
from benchmarks.contest import PROCESSES, Outcome, penchant_round
from benchmarks.measure import spread
from benchmarks.peers.celery_peer import celery_round
from benchmarks.report import Report
from benchmarks.shop import DIMENSIONS, USERS, mixed, purchases
from domain.interaction import Interaction

ROUNDS = 3

Contestant = Callable[[stack.Stack, Sequence[Interaction]], Outcome]

CONTESTANTS: Mapping[str, Contestant] = {"Penchant": penchant_round, "Celery": celery_round}


def main(report: Report) -> None:
    """Let both work on the same events in turn, in both orders, and print the tables."""
    real = purchases()
    with stack.running() as servers:
        report.say(servers.described)
        compare(report, servers, "as they happened, invoice by invoice", "production", real, ROUNDS)
        compare(report, servers, "in random order: all customers at once", "production-mixed", mixed(real), ROUNDS)


def compare(
    report: Report, servers: stack.Stack, order: str, name: str, events: Sequence[Interaction], rounds: int
) -> None:
    """Rounds in turn, and their table."""
    outcomes = rounds_in_turn(CONTESTANTS, servers, events, rounds)
    rates = {who: [len(events) / o.seconds for o in some] for who, some in outcomes.items()}
    bulk = {who: [len(events) / o.seconds_to_99 for o in some] for who, some in outcomes.items()}
    ratios = sorted(ours / theirs for ours, theirs in zip(rates["Penchant"], rates["Celery"], strict=True))
    ratio = f"{statistics.median(ratios):.1f} times Celery's events a second ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    report.table(
        name,
        f"{len(events):,} purchases of {USERS} users {order}; {DIMENSIONS} dimensions, {PROCESSES} processes,"
        f" {rounds} rounds in turn",
        ("", "events/s to the last write", "events/s to 99 %", "lost, by round", "wrong users", "MiB a process"),
        [
            (
                who,
                spread(rates[who]),
                spread(bulk[who]),
                ", ".join(str(o.lost) for o in some),
                ", ".join(str(o.wrong_users) for o in some),
                f"{max(o.peak_bytes for o in some) / 2**20:.0f}",
            )
            for who, some in outcomes.items()
        ],
        raw={who: [asdict(o) for o in some] for who, some in outcomes.items()},
        notes=(ratio, *(_cpu(who, some) for who, some in outcomes.items()), servers.described),
    )


def rounds_in_turn(
    contestants: Mapping[str, Contestant], servers: stack.Stack, events: Sequence[Interaction], rounds: int
) -> dict[str, list[Outcome]]:
    """The outcomes of each contestant, A B A B A B."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            outcomes[name].append(partial(contestant, servers, events)())
    return outcomes


def _cpu(who: str, outcomes: Sequence[Outcome]) -> str:
    """Where the processors' time went in the median round."""
    typical = sorted(outcomes, key=lambda outcome: outcome.seconds)[len(outcomes) // 2]
    used = ", ".join(f"{name} {seconds:.1f}" for name, seconds in typical.cpu.items() if seconds >= 0.05)
    return f"{who}: processor seconds in {typical.seconds:.1f} s: {used}"
