"""What Prometheus reads, as text and on a port of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import Collector

from domain.errors import ConfigurationError


class Exposition:
    """Shows what some collectors have, and what the system says of this process."""

    def __init__(self, *collectors: Collector) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        for collector in collectors:
            self._registry.register(collector)

    def __call__(self) -> tuple[bytes, str]:
        """The text, and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    @contextmanager
    def serving(self, host: str, port: int) -> Iterator[None]:
        """Answer on this address while the block runs, in threads of its own.

        Raises
        ------
        ConfigurationError : nothing can listen there.
        """
        try:
            server, thread = start_http_server(port, host, self._registry)
        except OSError as error:
            text = f"--metrics-port {port} cannot be listened on at {host}: {error.strerror or error}. Choose another."
            raise ConfigurationError(text) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
