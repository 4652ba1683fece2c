"""What pymongo raises, in our words."""

from bson.errors import BSONError
from pymongo import errors as driver

from domain.errors import (
    ConfigurationError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
    UnavailableError,
)

DUPLICATE_KEY = 11000
COMMAND_NOT_FOUND = 59
NAMESPACE_EXISTS = 48
INDEX_DIFFERS = {85, 86}
"""IndexOptionsConflict, IndexKeySpecsConflict."""

_UNAUTHORIZED = 13
_REFUSED_BY_VALIDATOR = 121
_DISK_FULL = 14031
_UNAVAILABLE = {6, 7, 64, 89, 91, 100, 133, 134, 189, 262, 462, 9001, 10058, 10107, 11600, 11602, 13435, 13436}
"""Hosts that do not answer, a majority that does not acknowledge, no primary, shutting down, overloaded."""
_PERMANENT = {2, 4, 9, 14, 15, 17, 22, 28, 40, 52, 56, 57, 59, 66, 72, 73, 10334, 17280, 17419, 17420}
"""Bad values, types, names and documents, those too large, and commands that are none. Whatever else a server may say,
such as that a lock, a cursor or the time ran out or that two writes collided, may be otherwise the next time."""


def error_of(error: Exception, where: str, setting: str) -> PenchantError:
    """The error of ours for one of pymongo's. `where` names the database, its address without password, the setting."""
    there = f"{where[0].upper()}{where[1:]}"
    if isinstance(error, driver.ConnectionFailure | driver.WTimeoutError):
        text = _brief(error)
        # For half a second after a refusal, the driver takes the server for gone and repeats what it said.
        refused = _of_refusal(text, there, setting)
        if refused is not None:
            return refused
        return UnavailableError(f"{there} cannot be reached: {text}. Start it, or correct {setting}.")
    if isinstance(error, driver.BulkWriteError):
        return _of_bulk(error, there, setting)
    if isinstance(error, driver.OperationFailure):
        return of_code(error.code, _brief(error), there, setting)
    if isinstance(error, driver.ConfigurationError):
        return ConfigurationError(f"{there} cannot be used as {setting} says: {_brief(error)}.")
    if isinstance(error, BSONError | OverflowError):
        return PermanentError(f"{there} cannot hold this document: {_brief(error)}.")
    return PermanentError(f"{there} failed: {_brief(error)}.")


def of_code(code: int | None, text: str, there: str, setting: str) -> PenchantError:
    """The error of ours for a code of the server's."""
    refused = _of_refusal(text, there, setting)
    if refused is not None:
        return refused
    if code == _UNAUTHORIZED:
        return ConfigurationError(f"{there} does not allow this user that: {text}. Grant it the role readWrite there.")
    if code == _REFUSED_BY_VALIDATOR:
        return ConfigurationError(f"{there} refuses what this program writes: {text}. Run `penchant setup` anew.")
    if code == _DISK_FULL or "space quota" in text:
        return StorageFullError(f"There is no room left in {there}: {text}. Free some and repeat.")
    if code in _UNAVAILABLE:
        return UnavailableError(f"{there} cannot work now: {text}. Look at its replica set and its log.")
    if code in _PERMANENT:
        return PermanentError(f"{there} refused a command: {text}.")
    return TransientError(f"{there} did not manage it this time (error {code}): {text}. Try again.")


def _of_refusal(text: str, there: str, setting: str) -> ConfigurationError | None:
    """The error for a server that does not let us in, if that is what the text says."""
    if "authentication failed" in text.lower():
        return ConfigurationError(f"{there} refuses the user or the password: {text}. Correct them in {setting}.")
    if "no such command: 'saslStart'" in text:
        return ConfigurationError(f"{there} knows no passwords. Take user and password out of {setting}.")
    return None


def _of_bulk(error: driver.BulkWriteError, there: str, setting: str) -> PenchantError:
    problems = [p for p in error.details["writeErrors"] if p["code"] != DUPLICATE_KEY]
    for problem in problems or error.details["writeConcernErrors"]:
        return of_code(problem["code"], problem.get("errmsg", ""), there, setting)
    return of_code(error.code, _brief(error), there, setting)


def _brief(error: Exception) -> str:
    """What happened, without the description of the topology and the whole answer of the server."""
    text = str(error)
    for end in (", full error:", ", Timeout:", " (configured timeouts:"):
        text = text.partition(end)[0]
    return text.rstrip(".")
