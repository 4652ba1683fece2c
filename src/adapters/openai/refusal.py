"""Errors of the client, in our words. Never with a text that the server sent: it may quote a phrase or the key."""

import re
from datetime import datetime

import openai

from adapters.openai.endpoint import Endpoint
from adapters.openai.retry_after import retry_after_seconds
from domain.errors import ConfigurationError, PenchantError, PermanentError, UnavailableError

_FOR_NOW = {408, 409, 425, 429}
_USED_UP = {
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "project_spend_limit_exceeded",
}
_PLAIN_CODE = re.compile(r"[a-z_]{1,48}")


def translated(error: openai.OpenAIError, endpoint: Endpoint, now: datetime) -> PenchantError:
    """What an error of the client means for us.

    UnavailableError: no connection, a time-out, or an answer that asks for patience, with the pause that it asks for.
    ConfigurationError: refused because of a setting. PermanentError: refused because of these texts.
    """
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, endpoint, now)
    service = f"The embedding service at {endpoint.address} (OPENAI_BASE_URL)"
    if isinstance(error, openai.APITimeoutError):
        return UnavailableError(f"{service} did not answer in time. It is asked again after a pause.")
    if isinstance(error, openai.APIConnectionError):
        return UnavailableError(f"{service} cannot be reached; check the address and the network.")
    return UnavailableError(f"{service} sent something unreadable; check the address.")


def without_texts(error: openai.OpenAIError) -> openai.OpenAIError:
    """The same error without what the server wrote, fit to be shown as the cause of ours."""
    if isinstance(error, openai.APIStatusError):
        error.message = f"HTTP status {error.status_code}"
        error.args = (error.message,)
        error.body = None
    return error


def _of_status(error: openai.APIStatusError, endpoint: Endpoint, now: datetime) -> PenchantError:
    status = error.status_code
    says = f"The embedding service at {endpoint.address} answers {status}{_code(error)}"
    if status in {401, 403}:
        return ConfigurationError(
            f"{says}: the key in OPENAI_API_KEY is not accepted, or may not use {endpoint.model}. "
            f"Set a key of that service."
        )
    if status == 404:
        return ConfigurationError(
            f"{says}: it has no model {endpoint.model}, or no embeddings at that address. "
            f"Correct OPENAI_EMBEDDING_MODEL or OPENAI_BASE_URL."
        )
    pause = retry_after_seconds(error.response.headers, now)
    if status == 402 or (status == 429 and _USED_UP & {error.code, error.type}):
        return UnavailableError(
            f"{says}: the quota or the credit of OPENAI_API_KEY is used up, and waiting alone does not help. "
            f"Add credit or raise the limit; what needs an embedding waits until then.",
            pause,
        )
    if status == 429:
        return UnavailableError(f"{says}: too many requests for now. It is asked again after a pause.", pause)
    if status in _FOR_NOW or status >= 500:
        return UnavailableError(f"{says}: it cannot answer for now. It is asked again after a pause.", pause)
    return PermanentError(f"{says}: it does not take these texts for {endpoint.model} (OPENAI_EMBEDDING_MODEL).")


def _code(error: openai.APIStatusError) -> str:
    code = error.code
    return f" ({code})" if code is not None and _PLAIN_CODE.fullmatch(code) else ""
