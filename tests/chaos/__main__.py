"""`python -m tests.chaos`: a run on servers of its own, with progress; the last line says what was lost."""

import random
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from shutil import rmtree
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from tests.chaos.house import moved_into
from tests.chaos.plan import Plan
from tests.chaos.run import Progress, run
from tests.services import Unavailable, mongodb, mysql, rabbitmq, redis, start_together
from tests.services.child import data_folder
from tests.services.undertaker import undertaker

PLAIN_SECONDS = 15.0

out = Console(highlight=False, soft_wrap=True)


class Screen:
    """Progress on a terminal as bars, elsewhere as a line now and then."""

    def __init__(self, plan: Plan, kills: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Bar(
            *columns, TextColumn("{task.fields[more]}"), console=out, transient=True, disable=not out.is_terminal
        )
        self._events = self._bar.add_task("answered", total=None, more="")
        self._kills = self._bar.add_task("kills", total=kills, more="")
        self._told_at = monotonic()

    def __enter__(self) -> "Screen":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        waiting = f"outbox {_known(progress.outbox)}, queues {_known(progress.queued)}"
        self._bar.update(self._events, completed=progress.answered, total=progress.messages, more=waiting)
        self._bar.update(self._kills, completed=progress.kills, more=progress.doing)
        if not out.is_terminal and monotonic() - self._told_at >= PLAIN_SECONDS:
            self._told_at = monotonic()
            out.print(f"{progress.doing}: {progress.answered:,} answered, {progress.kills} kills, {waiting}")


def _known(count: int | None) -> str:
    return "away" if count is None else f"{count:,}"


def _arguments() -> Namespace:
    default = Plan()
    parser = ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=default.events, help="different events that are accepted")
    parser.add_argument("--kills", type=int, default=default.kills, help="of recorders, relay and workers")
    parser.add_argument("--server-kills", type=int, default=default.server_kills, help="of each server")
    parser.add_argument("--seconds", type=float, default=default.seconds, help="over which events and kills are spread")
    parser.add_argument("--seed", type=int, help="the same seed gives the same events and victims")
    parser.add_argument("--keep", action="store_true", help="keep ledgers and journals, and say where")
    return parser.parse_args()


def main() -> int:
    """Run it; 0 if nothing was lost and nothing counted twice."""
    arguments = _arguments()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    plan = Plan(
        events=arguments.events,
        kills=arguments.kills,
        server_kills=arguments.server_kills,
        seconds=arguments.seconds,
        seed=seed,
    )
    folder = data_folder("chaos")
    if arguments.keep:
        undertaker().release(folder)
        out.print(f"ledgers and journals are in {folder}")
    out.print(f"seed {seed}: {plan.events:,} events and {plan.kills} kills in {plan.seconds:.0f} s, then healing")
    try:
        servers = (mysql(), rabbitmq(), mongodb(), redis())
    except Unavailable as error:
        out.print(str(error))
        return 1
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.close)
        start_together(*servers)
        for server in servers:
            out.print(f"{server.name} {server.version} ({server.origin})")
        house = stack.enter_context(moved_into(*servers))
        screen = stack.enter_context(Screen(plan, plan.kills + len(servers) * plan.server_kills))
        outcome = run(plan, house, folder, screen.show)
    for line in outcome.lines():
        out.print(line, markup=False)
    if not arguments.keep:
        rmtree(folder, ignore_errors=True)
        undertaker().release(folder)
    return 0 if outcome.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
