"""More worker processes on the same work."""

from attrs import asdict

from benchmarks import stack
from benchmarks.contest import penchant_round
from benchmarks.report import Report
from benchmarks.shop import mixed, purchases

WORKERS = (1, 3, 5, 10)


def main(report: Report) -> None:
    """Drain the same events with 1, 3, 5 and 10 workers, and print the table."""
    events = mixed(purchases())
    with stack.running() as servers:
        outcomes = {count: penchant_round(servers, events, backlog=True, processes=count) for count in WORKERS}
        report.table(
            "scaling",
            f"{len(events):,} events in the queue, all customers at once, worked off by several processes",
            ("workers", "events/s", "processor seconds of all workers", "lost", "wrong users", "MiB a process"),
            [
                (
                    str(count),
                    f"{len(events) / outcome.seconds:,.0f}",
                    f"{outcome.cpu['workers']:.1f}",
                    str(outcome.lost),
                    str(outcome.wrong_users),
                    f"{outcome.peak_bytes / 2**20:.0f}",
                )
                for count, outcome in outcomes.items()
            ],
            raw={str(count): asdict(outcome) for count, outcome in outcomes.items()},
            notes=(servers.described,),
        )
