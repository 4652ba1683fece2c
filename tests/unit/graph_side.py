"""A log, a graph in memory, and everything that works between them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.memory.dead_letters import MemoryDeadLetters
from adapters.memory.event_log import MemoryDatabase, MemoryEventLog
from adapters.memory.graph import MemoryGraph
from adapters.memory.system import CountingMetrics, ManualClock
from application.catch_up_projection import CatchUpProjection
from application.ports.queues import GRAPH_QUEUE
from application.project_events import ProjectEvents
from application.record import RecordEvents
from application.update import UpdateReport
from application.verify_graph import VerifyGraph
from domain.applied_positions import AppliedPositions
from domain.interaction import Event, Interaction, LoggedEvent, Retraction
from tests.builders import NOW, deliveries, submitted

Edges = Mapping[tuple[str, str, str], tuple[int, datetime, datetime]]


class GraphSide:
    """What a consumer of the graph has, and how tests look at what it has done."""

    def __init__(self, *events: Event, graph: MemoryGraph | None = None) -> None:
        self.log = MemoryEventLog(MemoryDatabase())
        self.graph = graph if graph is not None else MemoryGraph()
        self.dead_letters = MemoryDeadLetters()
        self.metrics = CountingMetrics()
        self.clock = ManualClock(NOW)
        self.project = ProjectEvents(self.graph, self.log, self.metrics, GRAPH_QUEUE)
        self.catch_up = CatchUpProjection(
            projection=self.graph,
            project=self.project,
            log=self.log,
            dead_letters=self.dead_letters,
            clock=self.clock,
            metrics=self.metrics,
            queue=GRAPH_QUEUE,
        )
        self.verify = VerifyGraph(self.graph, self.log, with_phrases=True)
        self.record(*events)

    def record(self, *events: Event) -> None:
        """Record these."""
        RecordEvents(self.log, self.clock)(submitted(*events))

    def logged(self, message_id: str) -> LoggedEvent:
        """An event as the log holds it."""
        return self.log.find([message_id])[message_id]

    def deliver(self, *message_ids: str) -> UpdateReport:
        """Deliver these in one batch."""
        return self.project(deliveries(*map(self.logged, message_ids)))

    def edges(self) -> Edges:
        """What the graph holds."""
        return {edge.ends: (edge.count, edge.first, edge.last) for edge in self.graph.edges(["ann", "ben"])}

    def applied(self, user_id: str = "ann") -> AppliedPositions | None:
        """What the graph says that it has applied of a user."""
        return self.graph.applied([user_id]).get(user_id)


def expected_edges(events: Sequence[Event]) -> Edges:
    """The edges of what is not taken back, counted without any of our own code."""
    gone = {event.retracts for event in events if isinstance(event, Retraction)}
    times: dict[tuple[str, str, str], list[datetime]] = {}
    for event in events:
        if isinstance(event, Interaction) and event.message_id not in gone:
            subject = event.product_id if event.product_id is not None else str(event.search_phrase)
            times.setdefault((event.user_id, str(event.event_type), subject), []).append(event.occurred_at)
    return {ends: (len(when), min(when), max(when)) for ends, when in times.items()}
