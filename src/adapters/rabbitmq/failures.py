"""Kombu's and its drivers' errors in our words."""

import re

from amqp import exceptions as amqp

from domain.errors import ConfigurationError, NotSetUpError, PenchantError, UnavailableError

_INEQUIVALENT = re.compile(
    r"inequivalent arg '(?P<argument>[^']*)' for (?P<kind>queue|exchange) '(?P<name>[^']*)'.*?: (?P<values>.*)",
    re.DOTALL,
)
_CONNECTION_CLASS = 10
_REFUSED_BY_REDIS = ("AuthenticationError", "NoPermissionError", "AuthenticationWrongNumberOfArgsError")


def translated(error: Exception, where: str) -> PenchantError:
    """What an error of the broker `where` (its name, address and setting) means to us."""
    reason = reason_of(error)
    if isinstance(error, amqp.AccessRefused) and _is_of_connection(error):
        return ConfigurationError(f"{where} refused the user or the password: {reason}. Correct the setting.")
    if isinstance(error, amqp.AccessRefused):
        return ConfigurationError(f"{where}: {reason}. Give the user that permission, or another user to the setting.")
    if isinstance(error, amqp.NotAllowed):
        return ConfigurationError(
            f"{where} has no such virtual host for this user: {reason}. The path of the address is the virtual host"
            " (nothing or %2F for the default one); make it, give the user permissions on it, or correct the setting."
        )
    if isinstance(error, amqp.NotFound):
        return NotSetUpError(f"{where}: {reason}. Run `penchant setup`.")
    if isinstance(error, amqp.PreconditionFailed) and (found := _INEQUIVALENT.search(reason)):
        return ConfigurationError(f"{where}: {_difference(**found.groupdict())}")
    if type(error).__name__ in _REFUSED_BY_REDIS or "WRONGPASS" in reason or "NOAUTH" in reason:
        return ConfigurationError(f"{where} refused the user or the password: {reason}. Correct the setting.")
    return UnavailableError(f"{where} cannot be reached or has ended the connection: {reason}. Start it, or try again.")


def reason_of(error: Exception) -> str:
    """What an error says, in one line."""
    text = error.reply_text if isinstance(error, amqp.AMQPError) and error.reply_text else str(error)
    return " ".join(str(text).split()).rstrip(".") or type(error).__name__


def _is_of_connection(error: amqp.AMQPError) -> bool:
    return not error.method_sig or error.method_sig[0] in (0, _CONNECTION_CLASS)


def _difference(argument: str, kind: str, name: str, values: str) -> str:
    text = f"the {kind} {name!r} exists with another {argument!r}: {values}. "
    if kind == "exchange":
        return text + "Delete it if nobody needs it as it is, and run `penchant setup` again."
    return text + (
        "Either drain and delete the queue and run `penchant setup` again, or, if it is to stay a classic queue, set"
        " PENCHANT_QUEUE_TYPE=classic. A producer that declares the queue by itself would make it wrong again: with"
        " Symfony Messenger, set `auto_setup: false` in the options of the transport."
    )
