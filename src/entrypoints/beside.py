"""Work in a thread beside the main one, as long as that goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

from adapters.system.system import SignalStop


@contextmanager
def running_beside(name: str, work: Callable[[], object], stop: SignalStop) -> Iterator[None]:
    """Do `work` in a thread while the block runs, which at its end is asked to stop and waited for.

    If the work ends by itself, the process is asked to end; if by an error, that is raised when the block has ended.
    """
    errors: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # raised again where the process ends
            errors.append(error)
        finally:
            stop.ask()

    thread = Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        stop.ask()
        thread.join()
    if errors:
        raise errors[0]
