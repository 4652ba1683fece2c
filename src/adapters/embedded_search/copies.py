"""The copies of one catalogue in a folder: which one to search, and when to make the next."""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from threading import Lock

from filelock import FileLock

from adapters.embedded_search.catalogue_copy import CatalogueCopy, write
from application.ports.product_catalogue import ProductCatalogue
from application.ports.system import Clock
from domain.errors import StorageFullError, UnavailableError

PATIENCE_SECONDS = 0.5
REST = 4
"""A copy that takes longer than that is followed by a rest so many times as long: a fifth of a core is spent on copies
of a catalogue that never stands still."""

FORMAT = 1
"""Of the files. Another one has other folders."""

_LOCK = "lock"
_UNFINISHED = "unfinished"
_MOST_LOOKS = 5


class Copies:
    """Copies in a folder that several processes and threads share.

    One process makes a copy while the others wait for it or go on with the last one; it is written aside and gets its
    name when it is whole. Copies of other revisions are removed then: who has one mapped keeps it.

    Parameters
    ----------
    folder : asked at the first search: the one of this catalogue and embedding model, and of nothing else.
    exact_up_to : how many products are searched without clusters.
    patience_seconds : how long a call waits for a new copy, if it was the one to find the last one old. There is always
        some waiting where there is no copy at all.
    """

    def __init__(
        self,
        catalogue: ProductCatalogue,
        folder: Callable[[], Path],
        dimensions: int,
        clock: Clock,
        *,
        exact_up_to: int,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._catalogue = catalogue
        self._ask_for_folder = folder
        self._dimensions = dimensions
        self._clock = clock
        self._exact_up_to = exact_up_to
        self._patience_seconds = patience_seconds
        self._lock = Lock()
        self._maker = ThreadPoolExecutor(1, "catalogue-copy")
        self._making: Future[CatalogueCopy] | None = None
        self._last: CatalogueCopy | None = None
        self._rests_until = float("-inf")

    def latest(self) -> CatalogueCopy:
        """The copy of the catalogue as it is, or the last one while the next is being made.

        Raises TransientError when the catalogue cannot be read or a copy cannot be written or read. Where a call has
        not waited for that, the next one raises it.
        """
        revision = self._catalogue.revision()
        with self._lock:
            if self._making is not None and self._making.done():
                self._take(self._making)
            last = self._last = self._last or self._found()
            if last is not None and (last.revision == revision or self._is_resting()):
                return last
            is_mine = self._making is None
            self._making = making = self._making or self._maker.submit(self._make)
        if is_mine or last is None:
            wait([making], self._patience_seconds if last is not None else None)
        if last is not None and not making.done():
            return last
        with self._lock:
            return self._take(making)

    @cached_property
    def _folder(self) -> Path:
        return self._ask_for_folder()

    def _take(self, making: Future[CatalogueCopy]) -> CatalogueCopy:
        """What has been made; from now on it is the last one."""
        if self._making is making:
            self._making = None
            self._last = making.result()
        return making.result()

    def _is_resting(self) -> bool:
        return self._making is None and self._clock.monotonic() < self._rests_until

    def _make(self) -> CatalogueCopy:
        start = self._clock.monotonic()
        try:
            with self._translated(), FileLock(self._made(self._folder) / _LOCK):
                return self._made_or_found()
        finally:
            end = self._clock.monotonic()
            if end - start > self._patience_seconds:
                self._rests_until = end + REST * (end - start)

    def _made_or_found(self) -> CatalogueCopy:
        revision = self._catalogue.revision()  # before its products are read: what changes meanwhile has another one
        folder = self._folder / str(revision)
        copy = self._opened(folder)
        if copy is None:
            unfinished = self._folder / _UNFINISHED
            for old in (unfinished, folder):  # of a process that has died, or damaged
                rmtree(old, ignore_errors=True)
            write(self._made(unfinished), self._catalogue, self._dimensions, self._exact_up_to)
            _keep(unfinished)
            copy = CatalogueCopy.open(unfinished.rename(folder), self._dimensions)
        for other in self._copies():
            if other != folder:
                rmtree(other, ignore_errors=True)
        return copy

    def _opened(self, folder: Path) -> CatalogueCopy | None:
        """The copy in a folder; None where there is none, or a damaged one."""
        try:
            return CatalogueCopy.open(folder, self._dimensions)
        except (FileNotFoundError, ValueError, RuntimeError):  # no such file, not all of one, not all of FAISS's
            return None

    def _found(self) -> CatalogueCopy | None:
        """A copy that is there already; None where there is none, or only such as are damaged or being removed."""
        for _ in range(_MOST_LOOKS):
            with suppress(FileNotFoundError), self._translated():
                newest = max(self._copies(), key=lambda copy: copy.stat().st_mtime_ns, default=None)
                copy = self._opened(newest) if newest is not None else None
                if newest is None or copy is not None:
                    return copy
        return None

    def _copies(self) -> list[Path]:
        return [path for path in self._folder.glob("*") if re.fullmatch(r"\d+", path.name)]

    def _made(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, RuntimeError) as error:  # the second is all that FAISS raises
            there = f"the copy of the catalogue in {self._folder} (PENCHANT_HOME)"
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                text = f"There is no room left for {there}, so it is not as new as the catalogue; free some."
                raise StorageFullError(text) from error
            raise UnavailableError(f"Cannot write or read {there}; look at its rights and its disk.") from error


def _keep(folder: Path) -> None:
    """Have what is in a folder on the disk before its name says that it is whole, whatever happens to the machine."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def folder_name(*parts: object) -> str:
    """A name for the folder of what these name together, whatever characters they hold."""
    return hashlib.sha256(repr((FORMAT, *parts)).encode()).hexdigest()[:16]
