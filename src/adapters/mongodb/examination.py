"""What `penchant doctor` says about MongoDB."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any

from pymongo.errors import OperationFailure

from adapters.mongodb.collection_plans import PLANS, WRITTEN
from adapters.mongodb.database import Document, MongoDatabase
from adapters.mongodb.errors import COMMAND_NOT_FOUND
from adapters.mongodb.found_collection import FoundCollection
from application.ports.examinable import Finding, Health
from domain.errors import PenchantError

PART = "MongoDB"
OLDEST_VERSION = (5, 0)
SLOW_MS = 20.0
SKEW_SECONDS = 5.0
PINGS = 5

NEEDED = frozenset({"find", "insert", "update", "remove"})
NEEDED_FOR_SETUP = frozenset({"createCollection", "createIndex", "listIndexes", "listCollections", "collMod"})
SETUP = "Run `penchant setup --create-indexes`."


class Examination:
    """One look at a server. Changes nothing."""

    def __init__(self, database: MongoDatabase, dimensions: int) -> None:
        self._database = database
        self._dimensions = dimensions

    def findings(self) -> Sequence[Finding]:
        """Everything that was found; only that, where the server cannot be reached."""
        try:
            hello = self._hello()
        except PenchantError as error:
            return [_failed("connection", error)]
        checks: Sequence[tuple[str, Callable[[], Iterable[Finding]]]] = (
            ("version", self._version),
            ("latency", self._latency),
            ("deployment", lambda: [deployment(hello)]),
            ("clock", self._clock),
            ("permissions", self._permissions),
            ("collections", self._collections),
            ("vectors", self._vectors),
        )
        found = [_ok("connection", f"It answers: {self._database.where}.")]
        for subject, check in checks:
            try:
                with self._database.translated():
                    found += check()
            except PenchantError as error:
                found.append(_failed(subject, error))
        return found

    def _hello(self) -> Document:
        with self._database.translated():
            try:
                return self._database.admin_command("hello")
            except OperationFailure as error:
                if error.code != COMMAND_NOT_FOUND:
                    raise
                return self._database.admin_command("isMaster")

    def _version(self) -> Iterable[Finding]:
        return [version(self._database.admin_command("buildInfo"))]

    def _latency(self) -> Iterable[Finding]:
        times_ms = []
        for _ in range(PINGS):
            start = perf_counter()
            self._database.admin_command("ping")
            times_ms.append(1_000 * (perf_counter() - start))
        return [latency(median(times_ms))]

    def _clock(self) -> Iterable[Finding]:
        before = datetime.now(UTC)
        server: datetime = self._hello()["localTime"]
        after = datetime.now(UTC)
        return [clock(before, server.replace(tzinfo=UTC), after)]

    def _permissions(self) -> Iterable[Finding]:
        status = self._database.admin_command("connectionStatus", showPrivileges=True)
        return [permissions(status["authInfo"], self._database.name)]

    def _collections(self) -> Iterable[Finding]:
        for plan in PLANS:
            yield from collection(FoundCollection.of(self._database, plan))

    def _vectors(self) -> Iterable[Finding]:
        for plan in PLANS:
            sample = self._database.collection(plan.name).find_one({"embedding": {"$ne": None}}, {"embedding": 1})
            stored = sample["embedding"] if sample is not None else None
            if type(stored) is bytes and len(stored) != 4 * self._dimensions:
                numbers = f"{len(stored) / 4:g} numbers, and the model gives {self._dimensions}"
                text = f"{plan.name} has vectors of {numbers}."
                yield _warning("vectors", text, "Look at `penchant recipe show`.")


def version(build: Document) -> Finding:
    """Which server, and whether it is new enough."""
    text = f"MongoDB {build['version']}."
    if "gitVersion" not in build:
        remedy = "Use MongoDB 5.0 or newer for whatever has to last."
        return _warning("version", f"A stand-in that calls itself {text[:-1]}: it may forget when it ends.", remedy)
    if tuple(build["versionArray"][:2]) < OLDEST_VERSION:
        return _finding("version", Health.FAILED, text, "Update it to 5.0 or newer.")
    return _ok("version", text)


def latency(median_ms: float) -> Finding:
    """How long the server takes for nothing."""
    text = f"{median_ms:.1f} ms for a ping, the median of {PINGS}."
    if median_ms > SLOW_MS:
        return _warning("latency", text, "Run the workers nearer to it: a batch takes at least two round trips.")
    return _ok("latency", text)


def deployment(hello: Document) -> Finding:
    """What "acknowledged by a majority" means here."""
    if hello.get("msg") == "isdbgrid":
        remedy = f"Leave {' and '.join(plan.name for plan in PLANS)} unsharded: their unique indexes need that."
        return _warning("deployment", "A sharded cluster.", remedy)
    if "setName" in hello:
        members = len(hello.get("hosts", ()))
        text = f"The replica set {hello['setName']} of {members} members: what is written outlives one of them."
        if members < 3:
            few = f"The replica set {hello['setName']} of {members}: with one member gone it has no majority."
            return _warning("deployment", few, "Three members survive the loss of one.")
        return _ok("deployment", text)
    text = "A standalone server: what is written is in its journal, and is lost with its disk."
    return _warning("deployment", text, "Use a replica set, or be ready to run `penchant rebuild --all`.")


def clock(before: datetime, server: datetime, after: datetime) -> Finding:
    """How far the server's clock is from ours, which was read before and after it."""
    early, late = (before - server).total_seconds(), (server - after).total_seconds()
    skew = max(early, late, 0.0)
    text = f"Its clock differs by {skew:.1f} s from this machine's."
    if skew > SKEW_SECONDS:
        return _warning("clock", text, "Set both by NTP.")
    return _ok("clock", text)


def permissions(info: Document, database: str) -> Finding:
    """Whether the user may do what workers and `penchant setup` do."""
    if not info["authenticatedUsers"]:
        remedy = "Switch authorization on where others can reach it."
        return _warning("permissions", "It asks for no password: everybody may do everything.", remedy)
    privileges = info.get("authenticatedUserPrivileges", ())
    allowed = {name: _actions_on(privileges, database, name) for name in WRITTEN}
    lacking = sorted({action for actions in allowed.values() for action in NEEDED - actions})
    if lacking:
        remedy = f"Grant the role readWrite on {database}."
        return _finding("permissions", Health.FAILED, f"The user may not {', '.join(lacking)}.", remedy)
    for_setup = _actions_on(privileges, database, "")
    lacking = sorted({a for actions in allowed.values() for a in NEEDED_FOR_SETUP - actions - for_setup})
    if lacking:
        text = f"The user may read and write, and not {', '.join(lacking)}."
        return _warning("permissions", text, f"Run `penchant setup` as a user with the role dbAdmin on {database}.")
    return _ok("permissions", "The user may do all that is needed.")


def collection(found: FoundCollection) -> Iterable[Finding]:
    """Whether a collection is as `penchant setup` makes it."""
    name = found.plan.name
    if not found.exists:
        yield _warning("collections", f"There is no {name} yet.", SETUP)
        return
    if found.has_collation:
        text = f"{name} has a collation, so it may take ids for one another."
        yield _finding("collections", Health.FAILED, text, f"Rename it. {SETUP}")
    if found.missing_indexes:
        fields = ", ".join(field for index in found.missing_indexes for field in index.fields)
        yield _warning("indexes", f"{name} has no index on {fields}.", SETUP)
    else:
        yield _ok("indexes", f"{name} has all indexes.")
    if found.is_validated:
        yield _ok("validator", f"{name} keeps out documents that make no sense.")
    else:
        text = f"{name} takes any document; what makes no sense is rebuilt when it is read."
        yield _warning("validator", text, f"{SETUP} A stand-in cannot do it.")


def _actions_on(privileges: Iterable[Document], database: str, name: str) -> set[str]:
    """What may be done with a collection; an empty name in a privilege stands for all."""
    actions: set[str] = set()
    for privilege in privileges:
        resource: Any = privilege["resource"]
        is_meant = resource.get("db") in ("", database) and resource.get("collection") in ("", name)
        if is_meant or resource.get("anyResource"):
            actions |= set(privilege["actions"])
    return actions


def _finding(subject: str, health: Health, text: str, remedy: str) -> Finding:
    return Finding(part=PART, subject=subject, health=health, text=text, remedy=remedy)


def _ok(subject: str, text: str) -> Finding:
    return _finding(subject, Health.OK, text, "")


def _warning(subject: str, text: str, remedy: str) -> Finding:
    return _finding(subject, Health.WARNING, text, remedy)


def _failed(subject: str, error: PenchantError) -> Finding:
    return _finding(subject, Health.FAILED, str(error), "Correct what it names, and look again.")
