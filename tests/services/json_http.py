"""JSON over HTTP, as far as the control of test services needs it."""

import base64
import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30


class HttpError(Exception):
    """The other side did not answer, or with a status of 400 or more (0: no answer)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


def call(method: str, url: str, body: Any = None, *, user: tuple[str, str] | None = None) -> Any:
    """Send `body` as JSON and return the JSON of the answer, None if it is empty. Raises HttpError."""
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json"}
    if user is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with closing(kind(parts.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            return _read(connection.getresponse())
        except (OSError, HTTPException) as error:
            raise HttpError(0, str(error)) from error


def _read(response: HTTPResponse) -> Any:
    text = response.read().decode()
    if response.status >= 400:
        raise HttpError(response.status, text)
    return json.loads(text) if text else None
