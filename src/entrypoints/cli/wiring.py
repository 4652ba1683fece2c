"""The container for a command: settings read, tables made where there are none, recipe checked."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from application.active_recipe import adopt_recipe
from application.work import WorkReport
from domain.errors import ConfigurationError, OtherTablesError, PenchantError
from entrypoints.cli.output import progress, warn
from entrypoints.container import Container
from entrypoints.supervise import is_supervised
from entrypoints.variables import load_settings, strange_variables


@contextmanager
def unchecked() -> Iterator[Container]:
    """The container as configured. Nothing has been made or changed, not even its home."""
    container = Container(settings=load_settings())
    for strange in () if is_supervised() else strange_variables(os.environ):  # its supervisor has said so
        warn(str(strange))
    try:
        yield container
    finally:
        container.shutdown_resources()


@contextmanager
def penchant() -> Iterator[Container]:
    """The container, ready for work."""
    with unchecked() as container:
        make_ready(container)
        yield container


def make_ready(container: Container) -> None:
    """Make tables where there are none and nobody else would, and check them and the recipe. May be repeated."""
    prepare(container)
    adopt_recipe(container.registry(), container.recipe())


@contextmanager
def looking(*, needs_log: bool = True) -> Iterator[Container]:
    """The container for a command that only reads. Where there is nothing yet, it sees an empty shop and makes none.

    Otherwise a shell without the settings of the service would have an empty one of its own from then on, in which all
    is well. With a broker it is made all the same: dead letters that are taken from there have to be kept. Who needs
    no log is not told that there is none.
    """
    with TemporaryDirectory(prefix="penchant-") as nothing, unchecked() as container:
        settings = container.settings()
        if container.is_new() and needs_log:
            warn(
                f"Nothing has been recorded in {settings.home} yet, and DATABASE_URL names no other place. Where "
                "Penchant runs as a service, docs/operations.md says how a shell gets its settings."
            )
        if container.is_new() and container.applies_itself():
            container.settings.override(settings.model_copy(update={"home": Path(nothing)}))
        make_ready(container)
        yield container


@contextmanager
def prepared() -> Iterator[Container]:
    """The container with its tables, whatever recipe is active."""
    with unchecked() as container:
        prepare(container)
        yield container


def prepare(container: Container) -> None:
    """Make tables where there are none and nobody else would, and check them. May be repeated."""
    make_home(container)
    if container.embedded():
        container.schema().upgrade()  # the embedded database needs nobody to set it up
    elif not container.schema().is_current():
        text = "The tables in the database that DATABASE_URL names are missing or old; run `penchant setup`."
        raise OtherTablesError(text)


def make_home(container: Container) -> None:
    """Make the folder of the embedded data, where there are some."""
    home = container.settings().home
    if not container.embedded():
        return
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"PENCHANT_HOME is {home}, which cannot be made: {error.strerror}. Choose another folder."
        raise ConfigurationError(text) from error


def apply_or_tell(container: Container) -> str | None:
    """Apply as `apply_all` does; where that fails, what is recorded stays, so the reason is returned and not raised."""
    return told(lambda: apply_all(container))


def told(work: Callable[[], object]) -> str | None:
    """Do it; return the reason where it fails, instead of raising it."""
    try:
        work()
    except PenchantError as error:
        return str(error)
    return None


def apply_all(container: Container) -> WorkReport:
    """Apply what waits in the outbox: a command that records on embedded parts also applies. Workers do it elsewhere.

    A change of products that was cut short is brought to its end first.
    """
    container.import_products().resume()
    if not container.applies_itself():
        return WorkReport()
    depth, batch = container.outbox().depth(), container.settings().batch_size
    if depth <= batch:
        return container.work().drain(batch)
    with progress("applying", depth) as advance:
        return container.work().drain(batch, advance)
