"""The consumers of events: which there are, what each needs, and the worker of each."""

from collections.abc import Callable, Sequence
from functools import partial

from attrs import frozen

from application.chores import Chore
from application.collect_dead_letters import told_in
from application.ports.examinable import Health
from application.ports.message_source import MessageSource
from application.ports.queues import WORK_QUEUE
from application.work import Work
from application.worker import Worker
from domain.errors import ConfigurationError
from entrypoints.consumer_container import ConsumerContainer
from entrypoints.container import Container
from entrypoints.variables import variable_of

EMBEDDINGS, INDEX, ALL = WORK_QUEUE, "qdrant", "all"
"""What the command line calls the consumer of the embeddings, that of the index, and all that are switched on."""

COLLECT_SECONDS = 1.0
RESUME_SECONDS = 60.0
LOOK_SECONDS = 15.0
"""How often a worker asks whether it is its turn to catch up."""


@frozen(kw_only=True)
class Consumer:
    """One consumer, as a worker of it is made."""

    queue: str
    reach: Callable[[], object]
    """Raises the error of a server that it needs and that cannot be reached or does not let us in."""
    worker: Callable[[], Worker]


def other_consumers(container: Container, name: str = ALL) -> Sequence[ConsumerContainer]:
    """The consumers beside that of the embeddings that are switched on and of this name; none for its own.

    Raises ConfigurationError where there is none of that name, or it is not switched on.
    """
    known = {one.name: one for one in vars(container).values() if isinstance(one, ConsumerContainer)}
    if name not in (EMBEDDINGS, ALL, *known):
        raise ConfigurationError(f"There is no consumer {name!r}; there are {', '.join((EMBEDDINGS, *known, ALL))}.")
    settings = container.settings()
    if name in known and known[name].queue not in settings.fan_out:
        variable = variable_of(settings.FAN_OUT[known[name].queue])
        raise ConfigurationError(f"The consumer {name} is not switched on: set {variable}.")
    return [one for key, one in known.items() if one.queue in settings.fan_out and name in (key, ALL)]


def consumers(container: Container, name: str) -> Sequence[Consumer]:
    """Those that a worker of this name is, the one of the embeddings first. Raises as `other_consumers` does."""
    others = other_consumers(container, name)
    if container.applies_itself() and others:
        if name != ALL:
            remedy = f"Set RABBITMQ_DSN; without one, `penchant catch-up --queue {name}` brings it from the log."
            raise ConfigurationError(f"The consumer {name} gets its events from a broker, and there is none. {remedy}")
        others = []
    if name in (EMBEDDINGS, ALL):
        return [_of_embeddings(container), *(_of_other(container, other, collects=False) for other in others)]
    return [_of_other(container, other, collects=True) for other in others]


def reach_servers(container: Container) -> None:
    """Raise the error of a server that the embeddings need and that cannot be reached or does not let us in.

    Once work has begun, an outage is waited for; before, it is more likely a setting that is wrong. Without the cache
    work is slower and nothing else, so that is only told.
    """
    container.store().user_ids(None, 1)
    _reach_dead_letters(container)
    for finding in container.phrase_vectors().examine() if container.settings().redis_url is not None else ():
        if finding.health is Health.FAILED:
            container.journal().warning("cache_out_of_reach", f"{finding.text} {finding.remedy}")


def _of_embeddings(container: Container) -> Consumer:
    worker = partial(_worker_of_embeddings, container)
    return Consumer(queue=WORK_QUEUE, reach=partial(reach_servers, container), worker=worker)


def _of_other(container: Container, consuming: ConsumerContainer, *, collects: bool) -> Consumer:
    """`collects`: whether its worker collects dead letters, which one thread of a process may do."""

    def reach() -> None:
        consuming.begin()()
        if collects:
            _reach_dead_letters(container)

    worker = partial(_worker_of, container, consuming, collects=collects)
    return Consumer(queue=consuming.queue, reach=reach, worker=worker)


def _reach_dead_letters(container: Container) -> None:
    container.collect_dead_letters()()
    container.dead_letter_queue().close()  # or dead letters would be handed to a process that does not collect them


def _worker_of_embeddings(container: Container) -> Worker:
    resuming = Chore(
        name="finishing product imports",
        every_seconds=RESUME_SECONDS,
        begin=container.import_products().resume_abandoned,
    )
    catching_up = Chore(name="catching up", every_seconds=LOOK_SECONDS, begin=container.catch_up_in_turn())
    chores = [_collecting(container), resuming, catching_up]
    return _worker(container, container.work(), container.message_source(), chores, "worker")


def _worker_of(container: Container, consuming: ConsumerContainer, *, collects: bool) -> Worker:
    catching_up = Chore(name="catching up", every_seconds=LOOK_SECONDS, begin=consuming.catch_up_in_turn())
    chores = [catching_up, *consuming.chores(), *([_collecting(container)] if collects else [])]
    return _worker(container, consuming.work(), consuming.source(), chores, f"{consuming.name}_worker")


def _worker(container: Container, work: Work, source: MessageSource, chores: Sequence[Chore], name: str) -> Worker:
    return Worker(
        work=work,
        source=source,
        registry=container.registry(),
        chores=chores,
        stop=container.stop(),
        process=container.process(),
        clock=container.clock(),
        metrics=container.metrics(),
        journal=container.journal(),
        name=name,
    )


def _collecting(container: Container) -> Chore:
    begin = partial(container.collect_dead_letters().pieces, on_kept=told_in(container.journal()))
    return Chore(name="collecting dead letters", every_seconds=COLLECT_SECONDS, begin=begin)
