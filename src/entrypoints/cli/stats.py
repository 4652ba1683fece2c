"""`penchant stats`."""

from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from attrs import asdict
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from application.flow import Flow
from application.pace import Pace
from application.ports.queues import WORK_QUEUE, QueueState
from domain.errors import InvalidValueError
from entrypoints.cli.output import Json, out, print_json, table
from entrypoints.cli.wiring import looking, penchant
from entrypoints.container import Container

WATCH_SECONDS = 1.0
REMEMBERED = 60
"""Readings that a line of bars shows."""
BARS = "▁▂▃▄▅▆▇█"
OUTBOX = "outbox"
OTHER_COLUMNS = 30
"""Characters of a line that names and bars do not get."""


def stats(
    queue: Annotated[str | None, typer.Argument(help="Of the queues only this one, or the outbox.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show what is on its way, every second, until Ctrl-C.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Count what there is and what is on its way.

    With --watch also how many events a second are recorded and applied, and how long what is on its way will take at
    that pace. A server that is out of reach is named, and the others go on. With --json it is a line each second.

    Lag, workers and pace are those of the embeddings, or of another consumer when it is its queue that is asked for.

    Examples:

      penchant stats --json

      penchant stats --watch

      penchant stats user_embedding_updates --watch

      penchant stats events.neo4j --watch

      penchant stats events.qdrant --watch
    """
    if watch:
        with penchant() as container:  # somebody may begin to record meanwhile
            _watch(container, queue, as_json)
        return
    with looking() as container:
        counts, flow = asdict(container.stats()()), container.flow()()
        depths, consumed = _depths(flow, queue), _consumed(container, queue)
    if as_json:
        print_json({**counts, **_members(flow, queue, consumed)})
        return
    awaited = counts.pop("waiting_product_ids")
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in counts.items()]
    out.print(table("Penchant holds", ("", "count"), rows, ("count",)))
    if awaited:
        out.print(f"Events wait for products that are not in the catalogue: {', '.join(awaited)}", markup=False)
    out.print()
    out.print(_shown(flow, depths, consumed, {}, None))


def _watch(container: Container, queue: str | None, as_json: bool) -> None:
    frames, consumed = _frames(container, queue), _consumed(container, queue)
    if as_json or not out.is_terminal:
        for flow, pace, history in frames:
            if as_json:
                print_json({**_members(flow, queue, consumed), **(asdict(pace) if pace is not None else {})})
            else:
                out.print(_shown(flow, _depths(flow, queue), consumed, history, pace))
        return
    with Live(console=out, auto_refresh=False) as live:
        for flow, pace, history in frames:
            live.update(_shown(flow, _depths(flow, queue), consumed, history, pace), refresh=True)


_History = dict[str, deque[int]]


def _frames(container: Container, queue: str | None) -> Iterator[tuple[Flow, Pace | None, _History]]:
    """What there is to see, every second, until this process is asked to end."""
    look, watch_pace, stop = container.flow(), container.watch_pace(), container.stop()
    consumed = _consumed(container, queue)
    history: _History = {}
    stop.listen()
    while not stop.asked:
        flow = look()
        for name, state in _depths(flow, queue).items():
            history.setdefault(name, deque(maxlen=REMEMBERED)).append(state.messages)
        yield flow, watch_pace(flow, consumed), history
        stop.wait(WATCH_SECONDS)


def _depths(flow: Flow, queue: str | None) -> dict[str, QueueState]:
    """The outbox and the queues, or the one that was asked for, as far as they can be seen."""
    outbox = {OUTBOX: QueueState(messages=flow.outbox.events, consumers=None)} if flow.outbox is not None else {}
    every = {**outbox, **(flow.queues if flow.queues is not None else {})}
    if queue is None:
        return every
    if queue not in every and flow.queues is not None:
        raise InvalidValueError("QUEUE", f"{queue!r} is none of them", f"they are {', '.join(sorted(every))}")
    return {name: state for name, state in every.items() if name == queue}


def _consumed(container: Container, queue: str | None) -> str:
    """The queue of the consumer that is asked for."""
    return queue if queue is not None and queue in container.settings().fan_out else WORK_QUEUE


def _members(flow: Flow, queue: str | None, consumed: str) -> dict[str, Any]:
    """The flow, for programs."""
    outbox = flow.outbox
    return {
        "up": {str(part): is_up for part, is_up in flow.up.items()},
        "queues": {name: asdict(state) for name, state in _depths(flow, queue).items() if name != OUTBOX},
        "lag": flow.lag_of(consumed),
        "workers": flow.workers_of(consumed),
        "outbox": outbox.events if outbox is not None else None,
        "oldest_waiting_seconds": outbox.oldest_seconds if outbox is not None else None,
        "dead_letters": outbox.dead_letters if outbox is not None else None,
    }


def _shown(
    flow: Flow, depths: dict[str, QueueState], consumed: str, history: _History, pace: Pace | None
) -> RenderableType:
    columns = ("on its way", "events", "consumers", *(("lately, and the most",) if history else ()))
    room = out.width - max(map(len, depths), default=0) - OTHER_COLUMNS
    rows = [
        (
            name,
            f"{state.messages:,}",
            f"{state.consumers}" if state.consumers is not None else "",
            *_bars(history.get(name), room),
        )
        for name, state in depths.items()
    ]
    return Group(table("", columns, rows, ("events", "consumers")), Text(), *_lines(flow, consumed, pace))


def _lines(flow: Flow, consumed: str, pace: Pace | None) -> Iterator[Text]:
    away = [str(part) for part, is_up in flow.up.items() if not is_up]
    if away:
        yield Text(f"out of reach or not set up: {', '.join(away)}; see penchant doctor", style="red")
    if pace is not None:
        fresh = f"about {pace.freshness_seconds:,.1f} s" if pace.freshness_seconds is not None else "not known"
        yield Text(f"recorded {pace.recorded_per_second:,.0f}/s · applied {pace.applied_per_second:,.0f}/s")
        yield Text(f"from recorded to readable: {fresh}")
    lag, workers = flow.lag_of(consumed), flow.workers_of(consumed)
    facts = [f"lag {lag:,}"] if lag is not None else []
    if flow.outbox is not None:
        facts += [f"oldest waits {flow.outbox.oldest_seconds:,.0f} s", f"dead letters {flow.outbox.dead_letters:,}"]
    if workers is not None:
        facts += [f"workers {workers}"]
    yield Text(" · ".join(facts))


def _bars(readings: deque[int] | None, room: int) -> tuple[str, ...]:
    """A line of bars, the latest ones that there is room for, the highest as high as a line, and how high that is."""
    if readings is None:
        return ()
    highest = max(readings)
    peak = f" {highest:,}"
    latest = list(readings)[-max(room - len(peak), 1) :]
    return ("".join(BARS[-(-reading * (len(BARS) - 1) // highest) if highest else 0] for reading in latest) + peak,)
