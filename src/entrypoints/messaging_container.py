"""How events come to the workers: through the broker, or out of the outbox itself."""

from dependency_injector import containers, providers

from adapters.outbox.message_source import NoDeadLetterQueue, NoQueues, OutboxMessageSource
from application.ports.queues import WORK_QUEUE
from application.retry_policy import RetryPolicy
from entrypoints import production
from entrypoints.parts_container import Parts


class Messaging(containers.DeclarativeContainer):
    """The broker, what is on it, and what stands in where there is none."""

    retry_policy = providers.Singleton(
        RetryPolicy.doubling,
        max_retries=Parts.settings.provided.max_retries,
        delay_ms=Parts.settings.provided.retry_delay_ms,
    )
    prefetch = providers.Object(1_000)
    """Messages that a worker has at hand at the most; the command line overrides it."""
    topology = providers.Singleton(production.topology, Parts.settings, retry_policy)
    broker = providers.Singleton(production.broker, Parts.settings)
    broker_installation = providers.Singleton(production.installation, broker, topology)
    broker_examination = providers.Singleton(production.examination, broker, topology)
    publisher = providers.Resource(production.publisher, broker, topology)
    message_source = providers.Selector(
        Parts.brokers,
        outbox=providers.Singleton(
            OutboxMessageSource, Parts.outbox, Parts.dead_letters, Parts.clock, retry_policy, Parts.stop
        ),
        kombu=providers.Singleton(
            production.message_source, broker, topology, Parts.clock, prefetch, Parts.settings, WORK_QUEUE
        ),
    )
    dead_letter_queue = providers.Selector(
        Parts.brokers,
        outbox=providers.Singleton(NoDeadLetterQueue),
        kombu=providers.Resource(production.dead_letter_queue, broker, topology, Parts.clock),
    )
    queues = providers.Selector(
        Parts.brokers,
        outbox=providers.Singleton(NoQueues),
        kombu=providers.Resource(production.queues, broker, topology),
    )
