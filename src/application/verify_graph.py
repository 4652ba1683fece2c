"""Verifying the graph: its edges, held against those of exactly the events that it says it has applied."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from attrs import evolve

from application.delivered import NOTHING
from application.fold_of_applied import Mismatch
from application.ports.event_log import EventLog
from application.ports.projection import InteractionGraph
from application.rebuild import pages_of_everybody
from application.verify import LOOKS, VerifyReport
from domain.applied_positions import AppliedPositions
from domain.edges import Edge, Ends, edges_of, merge_into
from domain.interaction import EventType, Interaction, LoggedEvent


class VerifyGraph:
    """Compares the graph with the log while everything goes on.

    Parameters
    ----------
    with_phrases : whether searches have edges.
    """

    def __init__(self, graph: InteractionGraph, log: EventLog, *, with_phrases: bool) -> None:
        self._graph = graph
        self._log = log
        self._with_phrases = with_phrases

    def __call__(self, user_ids: Collection[str]) -> VerifyReport:
        """Verify these users. One that differs is looked at again, since what is read may change under our eyes."""
        first, moving = self._look(list(dict.fromkeys(user_ids)))
        mismatches = first.mismatches
        for _ in range(LOOKS - 1):
            if suspects := moving.union(mismatch.user_id for mismatch in mismatches):
                again, moving = self._look(sorted(suspects))
                mismatches = again.mismatches
        return evolve(first, mismatches=mismatches, lag=first.lag + len(moving))

    def pages(self) -> Iterator[Sequence[str]]:
        """Every user that is in the log or in the graph, some at a time."""
        return pages_of_everybody(self._log, self._graph)

    def _look(self, user_ids: Sequence[str]) -> tuple[VerifyReport, set[str]]:
        """What these users are like, and who of them has changed meanwhile, of whom nothing is said."""
        before = self._graph.applied(user_ids)
        edges = {edge.ends: edge for edge in self._graph.edges(user_ids)}
        after = self._graph.applied(user_ids)
        moving = {user_id for user_id in user_ids if before.get(user_id) != after.get(user_id)}
        expected: dict[Ends, Edge] = {}
        events = applied = 0
        for page in self._log.history(user_ids):
            events += len(page)
            applied += sum(logged.position in _of(before, logged) for logged in page)
            merge_into(expected, edges_of(self._live(page, before)))
        wrong = {
            ends[0]: ends for ends in sorted(edges.keys() | expected.keys()) if edges.get(ends) != expected.get(ends)
        }
        mismatches = [_mismatch(ends, edges.get(ends), expected.get(ends)) for ends in wrong.values()]
        mismatches += [
            Mismatch(user_id=user_id, reason="has positions in the graph that make no sense", error=1.0)
            for user_id, positions in before.items()
            if positions is None and user_id not in wrong
        ]
        sure = tuple(mismatch for mismatch in mismatches if mismatch.user_id not in moving)
        return VerifyReport(users=len(user_ids), events=events, mismatches=sure, lag=events - applied), moving

    def _live(
        self, page: Sequence[LoggedEvent], applied: Mapping[str, AppliedPositions | None]
    ) -> Iterator[Interaction]:
        for logged in page:
            event, positions = logged.event, _of(applied, logged)
            if not isinstance(event, Interaction) or logged.position not in positions:
                continue
            taken_back = logged.retracted_by is not None and logged.retracted_by in positions
            if not taken_back and (self._with_phrases or event.event_type is not EventType.SEARCH):
                yield event


def _of(applied: Mapping[str, AppliedPositions | None], logged: LoggedEvent) -> AppliedPositions:
    positions = applied.get(logged.event.user_id)
    return positions if positions is not None else NOTHING


def _mismatch(ends: Ends, found: Edge | None, expected: Edge | None) -> Mismatch:
    user_id, event_type, _ = ends  # not the subject: it may be a phrase
    counted, logged = (edge.count if edge is not None else 0 for edge in (found, expected))
    reason = f"has a {event_type} edge that counts {counted} where the log has {logged}"
    if counted == logged:
        reason = f"has a {event_type} edge whose first or last time is not the log's"
    return Mismatch(user_id=user_id, reason=reason, error=1.0)
