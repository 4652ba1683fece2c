"""What Neo4j's driver raises, in our words."""

from neo4j import exceptions as driver

from domain.errors import (
    ConfigurationError,
    LostRaceError,
    PenchantError,
    PermanentError,
    TransientError,
    UnavailableError,
)

_NOT_NOW = (
    "Neo.TransientError.General.DatabaseUnavailable",
    "Neo.TransientError.Database.DatabaseUnavailable",
    "Neo.ClientError.Cluster.NotALeader",
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
)
"""Starting, stopping, or somebody else's turn to write."""
_LOST = (
    "Neo.TransientError.Transaction.DeadlockDetected",
    "Neo.ClientError.Schema.ConstraintValidationFailed",
    "Neo.ClientError.Statement.EntityNotFound",
)
"""Two transactions wanted the same: one is rolled back, and is right when it is repeated."""
_ENDED = "Neo.ClientError.Transaction."
"""Too slow for the time that it has, or ended by an operator: the server calls that a fault of ours."""


def error_of(error: driver.DriverError | driver.Neo4jError, where: str, setting: str) -> PenchantError:
    """The error of ours for one of the driver's. `where` names the database, its address, and the setting."""
    there = f"{where[0].upper()}{where[1:]}"
    text = _brief(error)
    if isinstance(error, driver.ConfigurationError):
        return ConfigurationError(f"{there} cannot be used as {setting} says: {text}.")
    if isinstance(error, driver.DriverError):
        return UnavailableError(f"{there} cannot be reached: {text}. Start it, or correct {setting}.")
    code = error.code if error.code is not None else ""
    if code in _LOST:
        return LostRaceError(f"{there} let another transaction go first: {text}.")
    if code in _NOT_NOW:
        return UnavailableError(f"{there} cannot work now: {text}. Look at its log.")
    if code.startswith("Neo.ClientError.Security."):
        return ConfigurationError(f"{there} does not let this user in, or do that: {text}. Correct {setting}.")
    if code.startswith("Neo.ClientError.Database.DatabaseNotFound"):
        return ConfigurationError(f"{there} has no such database: {text}. Correct the name at the end of {setting}.")
    if isinstance(error, driver.ClientError) and not code.startswith(_ENDED):
        return PermanentError(f"{there} refused a statement: {text}.")
    return TransientError(f"{there} did not manage it this time ({code}): {text}. Try again.")


def _brief(error: Exception) -> str:
    """What happened, in one line: the driver repeats itself for each address."""
    text = error.message if isinstance(error, driver.Neo4jError) and error.message else str(error)
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".: ")
