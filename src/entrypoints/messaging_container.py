"""How events come to the workers: through the broker, or out of the outbox itself."""

from dependency_injector import providers

from adapters.outbox.message_source import NoDeadLetterQueue, NoQueues, OutboxMessageSource
from application.ports.queues import WORK_QUEUE
from application.retry_policy import RetryPolicy
from entrypoints import production
from entrypoints.parts_container import Parts
from entrypoints.settings import Settings


class Messaging(Parts):
    """The broker, what is on it, and what stands in where there is none."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.retry_policy = providers.Singleton(
            RetryPolicy.doubling,
            max_retries=self.settings.provided.max_retries,
            delay_ms=self.settings.provided.retry_delay_ms,
        )
        self.prefetch = providers.Object(1_000)
        """Messages that a worker has at hand at the most; the command line overrides it."""
        self.topology = providers.Singleton(production.topology, self.settings, self.retry_policy)
        self.broker = providers.Singleton(production.broker, self.settings)
        self.broker_installation = providers.Singleton(production.installation, self.broker, self.topology)
        self.broker_examination = providers.Singleton(production.examination, self.broker, self.topology)
        self.publisher = providers.Resource(production.publisher, self.broker, self.topology)
        self.message_source = providers.Selector(
            self.brokers,
            outbox=providers.Singleton(
                OutboxMessageSource, self.outbox, self.dead_letters, self.clock, self.retry_policy, self.stop
            ),
            kombu=providers.Singleton(
                production.message_source,
                self.broker,
                self.topology,
                self.clock,
                self.prefetch,
                self.settings,
                WORK_QUEUE,
            ),
        )
        self.broker_dead_letter_queue = providers.Resource(
            production.dead_letter_queue, self.broker, self.topology, self.clock
        )
        self.dead_letter_queue = providers.Selector(
            self.brokers,
            outbox=providers.Singleton(NoDeadLetterQueue),
            kombu=self.broker_dead_letter_queue,
        )
        self.broker_queues = providers.Resource(production.queues, self.broker, self.topology)
        self.queues = providers.Selector(
            self.brokers,
            outbox=providers.Singleton(NoQueues),
            kombu=self.broker_queues,
        )
