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
    """The container as configured; its home exists, and nothing in it has been changed."""
    settings = load_settings()
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"PENCHANT_HOME is {settings.home}, which cannot be made: {error.strerror}. Choose another folder."
        raise ConfigurationError(text) from error
    container = Container(settings=settings)
    try:
        yield container
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
    """Apply what waits in the outbox: a command that records on embedded parts also applies.

    A change of products that was cut short is brought to its end first.
    """
    container.import_products().resume()
    depth = container.outbox().depth()
    if depth <= container.settings().batch_size:
        return container.work().drain()
    with progress("applying", depth) as advance:
        return container.work().drain(advance)
