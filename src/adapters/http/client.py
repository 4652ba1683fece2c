"""A client of the API: sends events to it as a shop does, for a load."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from application.event_message import Submission, as_message
from application.record import RecordStatus
from domain.errors import ConfigurationError, PermanentError, TransientError, UnavailableError

ANSWER_SECONDS = 30.0
_CONNECTIONS = {"http": HTTPConnection, "https": HTTPSConnection}
_NOT_NOW = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class ApiClient:
    """One connection to a running API, opened at the first call and whenever it has gone.

    Parameters
    ----------
    url : http://host:port, and what stands before the paths of the API, if anything does.
    key : an API key of the scope ingest; None where the API asks for none.

    Raises
    ------
    ConfigurationError : the URL is none, or the key.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _no_url() from error
        if parts.scheme not in _CONNECTIONS or not host or "@" in parts.netloc or not url.isascii():
            raise _no_url()
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ConfigurationError("PENCHANT_CLIENT_KEY is no API key; one looks like pk_ and 64 characters.")
        self._connection = _CONNECTIONS[parts.scheme](host, port, timeout=ANSWER_SECONDS)
        self._path = f"{parts.path.rstrip('/')}/events/batch"
        self._where = f"The API at {parts.scheme}://{parts.netloc}"
        self._headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key is not None else {})

    def record(self, submissions: Sequence[Submission]) -> Mapping[RecordStatus, int]:
        """Send these; return how many came to what.

        Raises
        ------
        UnavailableError : it cannot be reached, or says nothing; it may have recorded them.
        TransientError : it takes none of them now, as beyond a rate limit.
        ConfigurationError : it does not let this key in.
        PermanentError : it takes none of them, ever; or it is no API of Penchant's.
        """
        status, answer = self._post(json.dumps([as_message(submission.event) for submission in submissions]).encode())
        if status == HTTPStatus.ACCEPTED:
            return self._counted(answer)
        detail = answer.get("detail", HTTPStatus(status).phrase if status in list(HTTPStatus) else "")
        text = f"{self._where} answers with {status}: {detail}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise ConfigurationError(f"{text} Set PENCHANT_CLIENT_KEY to a key of the scope ingest.")
        if status in _NOT_NOW or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TransientError(text)
        raise PermanentError(text)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _counted(self, answer: Mapping[str, Any]) -> Mapping[RecordStatus, int]:
        try:
            return Counter(RecordStatus(result["status"]) for result in answer["results"])
        except (KeyError, TypeError, ValueError) as error:
            raise PermanentError(f"{self._where} is none of Penchant's. Correct the URL.") from error

    def _post(self, body: bytes) -> tuple[int, Mapping[str, Any]]:
        try:
            self._connection.request("POST", self._path, body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, _object(answer)
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise UnavailableError(f"{self._where} cannot be reached: {error or type(error).__name__}.") from error


def _object(answer: HTTPResponse) -> Mapping[str, Any]:
    """The object in an answer; an empty one where there is something else."""
    try:
        document = json.loads(answer.read())
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _no_url() -> ConfigurationError:
    # Not the text itself: it may hold a password.
    return ConfigurationError("The URL of an API looks like http://127.0.0.1:8080, without a user or a password.")
