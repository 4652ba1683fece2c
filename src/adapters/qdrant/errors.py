"""What Qdrant's client raises, in our words. Never with a text of the server's: it may quote what a point holds."""

import re

from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from domain.errors import (
    ConfigurationError,
    NotSetUpError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
    UnavailableError,
)

CLIENT_ERRORS = (ApiException, QdrantException, ValueError, AssertionError)
"""All that the client raises: it asserts that an answer says something, and its local mode knows only ValueError."""

_AGAIN = {408, 409}
"""Too slow for the time that it has; something is being made or switched by somebody else."""
_FULL = (b"No space left on device", b"Out of disk", b"Out of memory", b"Not enough space")
_LOCKED = b"Storage locked"
_NO_COLLECTION = re.compile(r"Collection .* (not found|doesn't exist)")
_DIMENSIONS = re.compile(rb"expected dim: (\d+), got (\d+)")


def error_of(error: Exception, where: str, setting: str) -> PenchantError:
    """The error of ours for one of CLIENT_ERRORS. `where` names the server, its address without key, the setting."""
    there = f"{where[0].upper()}{where[1:]}"
    if isinstance(error, ResourceExhaustedResponse):
        return UnavailableError(f"{there} asks for a pause.", float(error.retry_after_s))
    if isinstance(error, UnexpectedResponse):
        return _of_status(error, there, setting)
    if isinstance(error, ResponseHandlingException) and not isinstance(error.source, ValueError):
        return UnavailableError(f"{there} cannot be reached: {_brief(error.source)}. Start it, or correct {setting}.")
    if _NO_COLLECTION.search(str(error)):
        return _not_set_up(there)
    if isinstance(error, ValueError) and not _is_unreadable(error):
        return PermanentError(f"{there} cannot be sent this: {type(error).__name__}.")
    return UnavailableError(f"{there} sent something that only another program would send; check {setting}.")


def without_texts(error: Exception) -> Exception | None:
    """The same error without what was sent and answered, fit to be shown as the cause of ours; None if it is all of it.

    A model that does not fit says the values that do not.
    """
    if isinstance(error, UnexpectedResponse):
        error.content = b""
        return error
    is_transport = isinstance(error, ResponseHandlingException) and not isinstance(error.source, ValueError)
    return error if is_transport or isinstance(error, ResourceExhaustedResponse) else None


def _of_status(error: UnexpectedResponse, there: str, setting: str) -> PenchantError:
    status = error.status_code if error.status_code is not None else 0
    says = f"{there} answers {status}"
    if status == 507 or (status >= 500 and any(text in error.content for text in _FULL)):
        return StorageFullError(f"{says}: there is no room left on its disk or in its memory. Free some and repeat.")
    if status == 403 and _LOCKED in error.content:
        return UnavailableError(f"{says}: somebody has locked it against writes. Unlock it.")
    if status in {401, 403}:
        return ConfigurationError(
            f"{says}: the API key is missing or wrong, or may not do this. Correct it in {setting}, as the password."
        )
    if status == 404 and _NO_COLLECTION.search(error.content.decode(errors="replace")):
        return _not_set_up(there)
    if status == 404 or 300 <= status < 400:
        return ConfigurationError(f"{says}: there is no Qdrant at that address. Correct {setting}.")
    if status == 429 or status >= 500:
        return UnavailableError(f"{says}: it cannot work now. Look at its log.", _pause(error))
    if status in _AGAIN:
        return TransientError(f"{says}: it did not manage it this time. Try again.")
    return PermanentError(f"{says}: it does not take what it was sent{_dimensions(error.content)}.")


def _not_set_up(there: str) -> NotSetUpError:
    return NotSetUpError(f"{there} has not got the collections of this embedding model. Run `penchant setup`.")


def _pause(error: UnexpectedResponse) -> float | None:
    seconds = error.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else None


def _dimensions(content: bytes) -> str:
    found = _DIMENSIONS.search(content)
    return f": vectors of {int(found[2])} dimensions where there are {int(found[1])}" if found is not None else ""


def _is_unreadable(error: ValueError) -> bool:
    """Whether this is an answer that is no JSON, rather than a request that cannot be made."""
    return type(error).__name__ == "JSONDecodeError"


def _brief(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
