"""What `doctor` and `setup` look at: every part that is configured, and the recipe over all of them."""

from collections.abc import Callable, Sequence

from application.active_recipe import active_recipe
from application.change_recipe import change_under_way
from application.ports.examinable import Examinable, Finding, Health, Installable
from application.ports.message_source import Capability
from domain.errors import ConfigurationError, PenchantError
from entrypoints.consumers import other_consumers
from entrypoints.container import Container
from entrypoints.keys import keys_of
from entrypoints.variables import StrangeVariable, variable_of

SERVERS = ("database_url", "broker_url", "mongodb_url", "redis_url", "neo4j_url", "qdrant_url", "openai_api_key")
"""The settings that each swap one embedded part for a server."""


def installables(container: Container, with_indexes: bool) -> list[Installable]:
    """What has to be made before Penchant can work, in this order."""
    parts: list[Installable] = [container.schema()]
    if container.settings().mongodb_url is not None and with_indexes:
        parts.append(container.mongodb_schema())
    if container.settings().broker_url is not None:
        parts.append(container.broker_installation())
    return [*parts, *(consuming.schema() for consuming in other_consumers(container))]


def examine(container: Container, strange: Sequence[StrangeVariable]) -> list[Finding]:
    """Look at everything. A part that is out of reach hides none that does not rest on it, and nothing is made."""
    findings = [_looked_at(container), *map(_strange, strange)]
    has_tables = _has_tables(container)
    findings += [finding for name, part in _parts(container, has_tables) for finding in _examined(name, part)]
    if container.settings().broker_url is not None:
        findings += _capabilities(container)
    findings.append(_keys(container))
    return findings + _recipe(container) if has_tables else findings


def _has_tables(container: Container) -> bool:
    """Whether what rests on the database can be looked at; why not, the database itself says."""
    try:
        return not container.is_new() and container.schema().is_current()
    except PenchantError:
        return False


def _looked_at(container: Container) -> Finding:
    """A shell without the settings of the service looks elsewhere, and finds nothing wrong there."""
    settings = container.settings()
    named = ", ".join(variable_of(name) for name in SERVERS if getattr(settings, name) is not None)
    servers = f"servers by {named}" if named else "no variable names a server"
    if not container.embedded():
        return Finding(part="Settings", subject="looked at", health=Health.OK, text=f"{servers}.")
    text = f"the embedded data in {settings.home}; {servers}."
    if not container.is_new():
        return Finding(part="Settings", subject="looked at", health=Health.OK, text=text)
    remedy = (
        "Nothing has been set up there yet. If Penchant runs as a service here, then this shell lacks its settings, "
        "DATABASE_URL above all: docs/operations.md says how to get them."
    )
    return Finding(part="Settings", subject="looked at", health=Health.WARNING, text=text, remedy=remedy)


def _strange(variable: StrangeVariable) -> Finding:
    text, remedy = str(variable), "Correct or unset it."
    return Finding(part="Environment", subject="variable", health=Health.WARNING, text=text, remedy=remedy)


def _parts(container: Container, has_tables: bool) -> list[tuple[str, Callable[[], Examinable]]]:
    """What is configured, each by name and how it is made; what rests on the database only where that has tables."""
    settings = container.settings()
    parts: list[tuple[str, Callable[[], Examinable]]] = [("Database", container.schema)]
    if settings.mongodb_url is not None:
        parts.append(("MongoDB", container.mongodb_schema))
    if settings.broker_url is not None:
        parts.append(("Broker", container.broker_examination))
    if settings.redis_url is not None and has_tables:
        parts.append(("Redis", container.phrase_vectors))
    parts += [(consuming.name, consuming.schema) for consuming in other_consumers(container)]
    if settings.openai_api_key is not None:
        parts.append(("OpenAI", container.embedder))
    if has_tables:
        parts.append(("Work", container.backlog))
    return parts


def _examined(name: str, make: Callable[[], Examinable]) -> Sequence[Finding]:
    try:
        return make().examine()
    except PenchantError as error:  # a part can rest on another that is out of reach
        return [Finding(part=name, subject="reachable", health=Health.FAILED, text=str(error))]


def _capabilities(container: Container) -> list[Finding]:
    try:
        capabilities = container.message_source().capabilities
    except PenchantError:  # an address that is none, which has been found already
        return []
    return [
        Finding(
            part="Broker",
            subject="capability",
            health=Health.WARNING,
            text=f"This transport does not promise that {capability}.",
            remedy="Use RabbitMQ with quorum queues (RABBITMQ_DSN=amqp://…) where that matters.",
        )
        for capability in Capability
        if capability not in capabilities
    ]


def _keys(container: Container) -> Finding:
    try:
        found, health, remedy = keys_of(container.settings()), Health.OK, ""
    except ConfigurationError as error:
        text, health = str(error), Health.FAILED
        remedy = "Mend it: an API that runs goes on with its keys as they were, and none starts."
    else:
        none = "None are set: an API with these settings is open to this machine, and serves no other."
        text = f"{len(found.keys)} count." if found is not None else none
    return Finding(part="API keys", subject="lines", health=health, text=text, remedy=remedy)


def _recipe(container: Container) -> list[Finding]:
    try:
        configured, active = container.recipe(), active_recipe(container.registry())
        unfinished = change_under_way(container.registry())
    except PenchantError as error:
        return [Finding(part="Recipe", subject="active", health=Health.FAILED, text=str(error))]
    if active is None:
        text, health, remedy = "None is active yet; the first process that works makes its own so.", Health.OK, ""
    elif active != configured:
        text = f"{active.id} is active, but this process is configured for {configured.id}."
        health, remedy = Health.FAILED, "Set the environment back, or change the active one: penchant recipe set."
    elif unfinished:
        text, health = f"{active.id} is active, but the change to it was cut short.", Health.WARNING
        remedy = "Finish it: penchant recipe set."
    else:
        text, health, remedy = f"{active.id} is active, and this process is configured for it.", Health.OK, ""
    return [Finding(part="Recipe", subject="active", health=health, text=text, remedy=remedy)]
