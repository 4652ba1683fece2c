"""The container for a command: settings read, tables made where there are none, recipe checked."""

from collections.abc import Iterator
from contextlib import contextmanager

from application.active_recipe import adopt_recipe
from application.work import WorkReport
from domain.errors import ConfigurationError
from entrypoints.cli.output import progress
from entrypoints.container import Container
from entrypoints.settings import load_settings


@contextmanager
def unchecked() -> Iterator[Container]:
    """The container as configured; nothing is touched yet."""
    container = Container(settings=load_settings())
    try:
        yield container
    except OSError as error:
        raise ConfigurationError(f"{error.strerror or error}: {error.filename or ''}. Check PENCHANT_HOME.") from error
    finally:
        container.database().dispose()


@contextmanager
def penchant() -> Iterator[Container]:
    """The container, ready for work."""
    with unchecked() as container:
        container.schema().upgrade()  # the embedded database needs nobody to set it up
        adopt_recipe(container.registry(), container.recipe())
        yield container


def apply_all(container: Container) -> WorkReport:
    """Apply what waits in the outbox: a command that records on embedded parts also applies."""
    depth = container.outbox().depth()
    if depth <= container.settings().batch_size:
        return container.work().drain()
    with progress("applying", depth) as advance:
        return container.work().drain(advance)
