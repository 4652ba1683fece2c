"""What can be wrong with the collections and the server that they are on."""

from collections.abc import Collection, Mapping, Sequence
from statistics import median
from time import perf_counter

from qdrant_client import QdrantClient, models

from adapters.qdrant.aliases import collections_behind
from adapters.qdrant.collection_plans import CollectionPlan
from adapters.qdrant.found_collection import FoundCollection, found_collections
from adapters.qdrant.server import QdrantServer
from application.ports.examinable import Finding, Health
from domain.errors import PenchantError

OLDEST_VERSION = (1, 8)
"""The first that indexes times."""
SLOW_MS = 20.0
PROBES = 5
SETUP = "Run `penchant setup`."
BUILD = "`penchant catch-up --queue qdrant` brings all points into ours, and lets searches find them."

_STATUS: Mapping[models.CollectionStatus, tuple[Health, str, str]] = {
    models.CollectionStatus.GREEN: (Health.OK, "ready", ""),
    models.CollectionStatus.YELLOW: (Health.OK, "being optimized", ""),
    models.CollectionStatus.GREY: (
        Health.WARNING,
        "not optimized since the server started",
        "The next write starts it.",
    ),
    models.CollectionStatus.RED: (Health.FAILED, "in failure", "Look at the log of Qdrant, and at its disk."),
}


class Examination:
    """One look at a server; `names` says how the collection of each plan is called."""

    def __init__(self, server: QdrantServer, names: Mapping[CollectionPlan, str], dimensions: int) -> None:
        self._server = server
        self._names = names
        self._dimensions = dimensions

    def findings(self) -> Sequence[Finding]:
        try:
            with self._server.translated() as client:
                return [self._connection(client), self._latency(client), *self._collections(client)]
        except PenchantError as error:
            return [_finding("connection", Health.FAILED, str(error))]

    def _connection(self, client: QdrantClient) -> Finding:
        version = client.info().version
        number = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        text = f"It answers: {self._server.where}; it is Qdrant {version}."
        if number < OLDEST_VERSION:
            return _finding("connection", Health.FAILED, text, "Update it to Qdrant 1.8 or newer.")
        return _finding("connection", Health.OK, text)

    def _latency(self, client: QdrantClient) -> Finding:
        times_ms = []
        for _ in range(PROBES):
            started = perf_counter()
            client.info()
            times_ms.append(1_000 * (perf_counter() - started))
        text = f"A round trip takes {median(times_ms):.1f} ms (the median of {PROBES})."
        if median(times_ms) < SLOW_MS:
            return _finding("latency", Health.OK, text)
        return _finding(
            "latency", Health.WARNING, text, "Look at the network between here and Qdrant, and at its load."
        )

    def _collections(self, client: QdrantClient) -> Sequence[Finding]:
        there = [found.name for found in client.get_collections().collections]
        found = found_collections(client, self._names.values())
        behind = collections_behind(client)
        return [
            finding
            for plan, name in self._names.items()
            for finding in (
                self._collection(plan, found.get(name)),
                self._alias(plan, there, behind),
                *self._left_over(plan, there, behind),
            )
        ]

    def _collection(self, plan: CollectionPlan, found: FoundCollection | None) -> Finding:
        name = self._names[plan]
        if found is None:
            return _finding(name, Health.FAILED, "There is no such collection.", SETUP)
        points = found.info.points_count if found.info.points_count is not None else 0
        if not found.is_for(self._dimensions):
            text = f"It is for {found.vectors}, not for {self._dimensions} dimensions."
            return _finding(name, Health.FAILED, text, f"Delete it. {SETUP}")
        if missing := found.missing_indexes(plan):
            text = f"{points} points; there is no index of {', '.join(missing)}."
            return _finding(name, Health.WARNING, text, SETUP)
        health, status, remedy = _STATUS[found.info.status]
        return _finding(name, health, f"{points} points, {found.vectors}; it is {status}.", remedy)

    def _alias(self, plan: CollectionPlan, there: Collection[str], behind: Mapping[str, str]) -> Finding:
        name, live = self._names[plan], behind.get(plan.alias)
        if plan.alias in there:
            text = "It is a collection, and has to be the name of an alias."
            return _finding(plan.alias, Health.FAILED, text, f"Copy what it holds, delete it. {SETUP}")
        if live is None:
            return _finding(plan.alias, Health.FAILED, "There is no such alias.", SETUP)
        if live != name:
            text = f"Searches find {live}, which is of another model."
            return _finding(plan.alias, Health.WARNING, text, BUILD)
        return _finding(plan.alias, Health.OK, f"Searches find {name}.")

    def _left_over(self, plan: CollectionPlan, there: Collection[str], behind: Mapping[str, str]) -> Sequence[Finding]:
        """Collections that nobody searches: who switched the alias has died before it removed them."""
        used = {self._names[plan], *behind.values()}
        others = sorted(name for name in there if plan.is_ours(name) and name not in used)
        remedy = "Delete it, unless workers of another model are filling it."
        return [_finding(name, Health.WARNING, "It is of another model, and not searched.", remedy) for name in others]


def _finding(subject: str, health: Health, text: str, remedy: str = "") -> Finding:
    return Finding(part="Qdrant", subject=subject, health=health, text=text, remedy=remedy)
