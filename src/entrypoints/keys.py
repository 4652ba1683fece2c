"""The keys of the HTTP API, as the settings name them."""

import re
from collections.abc import Callable

from adapters.system.key_file import KeyFile, keys_that_count
from application.api_keys import ApiKeys
from application.ports.system import Journal, Metrics
from entrypoints.settings import Settings


def keys_of(settings: Settings) -> ApiKeys | None:
    """The keys as they are set now; None where none are, so that everything is open. Raises ConfigurationError."""
    if settings.api_keys is None and settings.api_keys_file is None:
        return None
    return keys_that_count(settings.api_keys_file, _lines_of_setting(settings))


def watched_keys(settings: Settings, journal: Journal, metrics: Metrics) -> Callable[[], ApiKeys] | None:
    """The same, as they are whenever it is called."""
    if keys_of(settings) is None:
        return None
    return KeyFile(settings.api_keys_file, _lines_of_setting(settings), journal, metrics)


def _lines_of_setting(settings: Settings) -> dict[str, str]:
    text = settings.api_keys.get_secret_value() if settings.api_keys is not None else ""
    lines = (line for line in re.split(r"[;\s]+", text) if line)
    return {f"PENCHANT_API_KEYS, key {number}": line for number, line in enumerate(lines, 1)}
