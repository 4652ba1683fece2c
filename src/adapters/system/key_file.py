"""The file with the keys of the HTTP API, read again when it has changed."""

from collections.abc import Mapping
from pathlib import Path

from application.api_keys import ApiKeys, parse_keys
from application.ports.system import Journal, Metrics
from domain.errors import ConfigurationError


class KeyFile:
    """The keys in a file, one a line, and those that were given besides.

    The file is looked at whenever it is asked, which is one call of the operating system, so that a key is revoked as
    soon as its line is gone. A file that has been broken, emptied or taken away since the start opens and shuts
    nothing: the keys as they were count on, the journal says why, once, and a gauge shows it for as long as it lasts.

    Parameters
    ----------
    path : the file; None where there is none.
    besides : lines that stand elsewhere, by where.

    Raises ConfigurationError as `keys_that_count` does, at the start.
    """

    def __init__(self, path: Path | None, besides: Mapping[str, str], journal: Journal, metrics: Metrics) -> None:
        self._path = path
        self._besides = besides
        self._journal = journal
        self._metrics = metrics
        self._seen = self._state()
        self._keys = keys_that_count(path, besides)
        self._fault = ""
        """Why the file could not be read the last time; it is tried again until it can, changed or not."""

    def __call__(self) -> ApiKeys:
        """The keys as the file has them now."""
        state = self._state()
        if state != self._seen or self._fault:
            self._seen = state
            self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            self._keys = keys_that_count(self._path, self._besides)
        except ConfigurationError as error:
            self._metrics.set("penchant_api_keys_broken", 1)
            self._tell(str(error))
        else:
            self._metrics.set("penchant_api_keys_broken", 0)
            self._fault = ""
            found = len(self._keys.keys)
            self._journal.info("api_keys_read", f"{found} API keys count from now on.", keys=found)

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            text = f"{fault} Until that is mended the keys as they were before count on, and none is revoked."
            self._journal.warning("api_keys_unreadable", text)

    def _state(self) -> tuple[int, ...] | None:
        """What changes with the file's content: an editor may replace it, or write it within a tick of the clock."""
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def keys_that_count(path: Path | None, besides: Mapping[str, str]) -> ApiKeys:
    """The keys in a file and those beside it. Raises ConfigurationError where it cannot be read, or there is none."""
    found = parse_keys({**besides, **(_lines_of(path) if path is not None else {})})
    if not found.keys:
        where = path if path is not None else "PENCHANT_API_KEYS"
        raise ConfigurationError(
            f"{where} has no key, so that nobody could use the API; `penchant keys new` makes one."
        )
    return found


def _lines_of(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        text = f"PENCHANT_API_KEYS_FILE names {path}, which cannot be read: {error.strerror}."
        raise ConfigurationError(text) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"PENCHANT_API_KEYS_FILE names {path}, which is not UTF-8.") from error
    return {f"{path}, line {number}": line for number, line in enumerate(lines, 1)}
