"""Constraints: made by `penchant setup`, looked at by `penchant doctor`."""

from collections.abc import Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import LiteralString

from adapters.neo4j.database import Neo4jDatabase
from application.ports.examinable import Finding, Health
from domain.errors import ConfigurationError, PenchantError, PermanentError

CONSTRAINTS: Mapping[str, LiteralString] = {
    "penchant_user": "FOR (user:User) REQUIRE user.user_id IS UNIQUE",
    "penchant_product": "FOR (product:Product) REQUIRE product.product_id IS UNIQUE",
    "penchant_phrase": "FOR (phrase:Phrase) REQUIRE phrase.text IS UNIQUE",
}
"""By name. Each brings an index, without which every statement would look at all nodes."""

OLDEST_VERSION = (5, 0)
SLOW_MS = 20.0
PROBES = 5
SETUP = "Run `penchant setup`."

_SHOW: LiteralString = "SHOW CONSTRAINTS YIELD name"
_VERSION: LiteralString = "CALL dbms.components() YIELD versions, edition RETURN versions[0] AS version, edition"


class Neo4jSchema:
    """What there must be in the graph before anything is put into it."""

    def __init__(self, database: Neo4jDatabase) -> None:
        self._database = database

    def install(self) -> Sequence[str]:
        made = []
        for name, constraint in CONSTRAINTS.items():
            statement: LiteralString = f"CREATE CONSTRAINT {name} IF NOT EXISTS {constraint}"
            try:
                changed = self._database.run(statement).get("constraints_added", 0)
            except PermanentError as error:
                if isinstance(error, ConfigurationError):
                    raise
                raise ConfigurationError(
                    f"The constraint {name} cannot be made, so some nodes of {self._database.where} are there twice: "
                    f"{error} Remove those, and run `penchant setup` again."
                ) from error
            if changed:
                made.append(f"Made the constraint {name} of the graph.")
        return made

    def require(self) -> None:
        """Raise ConfigurationError where something is missing: without constraints nodes would be there twice."""
        if missing := self._missing():
            raise ConfigurationError(f"{self._database.where} has no constraint {', '.join(missing)}. {SETUP}")

    def examine(self) -> Sequence[Finding]:
        try:
            return [self._connection(), self._latency(), self._constraints()]
        except PenchantError as error:
            return [_finding("connection", Health.FAILED, str(error))]

    def _connection(self) -> Finding:
        [record] = self._database.read(_VERSION)
        version = str(record["version"])
        number = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        text = f"It answers: {self._database.where}; it is Neo4j {version}, {record['edition']} edition."
        if number < OLDEST_VERSION:
            return _finding("connection", Health.FAILED, text, "Update it to Neo4j 5 or newer.")
        return _finding("connection", Health.OK, text)

    def _latency(self) -> Finding:
        times_ms = []
        for _ in range(PROBES):
            started = perf_counter()
            self._database.read("RETURN 1")
            times_ms.append(1_000 * (perf_counter() - started))
        text = f"A round trip takes {median(times_ms):.1f} ms (the median of {PROBES})."
        if median(times_ms) < SLOW_MS:
            return _finding("latency", Health.OK, text)
        return _finding("latency", Health.WARNING, text, "Look at the network between here and Neo4j, and at its load.")

    def _constraints(self) -> Finding:
        if missing := self._missing():
            return _finding("constraints", Health.FAILED, f"There is no {', '.join(missing)}.", SETUP)
        return _finding("constraints", Health.OK, f"All {len(CONSTRAINTS)} are there.")

    def _missing(self) -> Sequence[str]:
        there = {record["name"] for record in self._database.read(_SHOW)}
        return [name for name in CONSTRAINTS if name not in there]


def _finding(subject: str, health: Health, text: str, remedy: str = "") -> Finding:
    return Finding(part="Neo4j", subject=subject, health=health, text=text, remedy=remedy)
