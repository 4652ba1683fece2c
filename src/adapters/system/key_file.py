"""The file with the keys of the HTTP API, read again when it has changed."""

from collections.abc import Mapping
from pathlib import Path

from application.api_keys import ApiKeys, parse_keys
from application.ports.system import Journal, Metrics
from domain.errors import ConfigurationError


class KeyFile:
    """The keys in a file, one a line, and those that were given besides.

    The file is looked at whenever it is asked, which is one call of the operating system, so that a key is revoked as
    soon as its line is gone. A file that has been broken or taken away since the start opens and shuts nothing: the
    keys as they were count on, the journal says why, once, and a gauge shows it for as long as it lasts.

    Parameters
    ----------
    path : the file; None where there is none.
    besides : lines that stand elsewhere, by where.

    Raises ConfigurationError where the file cannot be read, or a line is broken, at the start.
    """

    def __init__(self, path: Path | None, besides: Mapping[str, str], journal: Journal, metrics: Metrics) -> None:
        self._path = path
        self._besides = besides
        self._journal = journal
        self._metrics = metrics
        self._seen = self._state()
        self._keys = self._read()

    def __call__(self) -> ApiKeys:
        """The keys as the file has them now."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            self._keys = self._read()
        except ConfigurationError as error:
            self._metrics.set("penchant_api_keys_broken", 1)
            text = f"{error} Until that is mended the keys as they were before count on, and none is revoked."
            self._journal.warning("api_keys_unreadable", text)
        else:
            self._metrics.set("penchant_api_keys_broken", 0)
            found = len(self._keys.keys)
            self._journal.info("api_keys_read", f"{found} API keys count from now on.", keys=found)

    def _read(self) -> ApiKeys:
        in_file = lines_of(self._path) if self._path is not None else {}
        return parse_keys({**self._besides, **in_file})

    def _state(self) -> tuple[int, ...] | None:
        """What changes with the file's content: an editor may replace it, or write it within a tick of the clock."""
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def lines_of(path: Path) -> dict[str, str]:
    """The lines of a file of keys, by where they stand. Raises ConfigurationError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        text = f"PENCHANT_API_KEYS_FILE names {path}, which cannot be read: {error.strerror}."
        raise ConfigurationError(text) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"PENCHANT_API_KEYS_FILE names {path}, which is not UTF-8.") from error
    return {f"{path}, line {number}": line for number, line in enumerate(lines, 1)}
