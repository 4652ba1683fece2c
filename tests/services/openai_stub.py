"""A stand-in for OpenAI's embeddings endpoint: a real HTTP server, in a process of its own."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, frozen

from tests.services.child import Child, data_folder
from tests.services.json_http import HttpError, call
from tests.services.openai_embeddings import API_KEY
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import Origin, Server

PROGRAM = Path(__file__).with_name("openai_stub_server.py")


@frozen(kw_only=True)
class Call:
    """A request for embeddings that reached the stub."""

    at: datetime
    inputs: Sequence[str]
    model: str
    dimensions: int | None
    status: int
    """Of the answer."""


@define(kw_only=True, eq=False)
class OpenaiStub(Server):
    """The stub; `url` is what OPENAI_BASE_URL takes, `api_key` the only key that it accepts.

    The vectors of a text differ by 1e-4 from call to call. What `fail` and `answer_slowly` asked for holds until it is
    used up, or until `reset`. To start it again forgets calls and behaviour.
    """

    name: ClassVar[str] = "OpenAI"
    not_yet: ClassVar[tuple[type[Exception], ...]] = (HttpError,)
    stand_in: ClassVar[str] = "an HTTP stub of its embeddings"

    api_key: str = API_KEY

    def ask_version(self) -> str:
        return str(self._control("GET", "/version")["version"])

    def fail(self, status: int, *, times: int | None = None, retry_after: str | float | None = None) -> None:
        """Answer the next `times` calls, or all calls, with this status.

        `retry_after`: seconds or an HTTP date, for the header of that name.
        """
        header = None if retry_after is None else str(retry_after)
        self._control("POST", "/fail", {"status": status, "times": times, "retry_after": header})

    def answer_slowly(self, seconds: float, *, times: int | None = None) -> None:
        """Take so long for the next `times` calls, or for all calls."""
        self._control("POST", "/delay", {"seconds": seconds, "times": times})

    def recover(self) -> None:
        """Answer as it should again; calls stay counted."""
        self._control("POST", "/recover")

    def reset(self) -> None:
        """Answer as it should, and forget all calls."""
        self._control("POST", "/reset")

    @property
    def calls(self) -> Sequence[Call]:
        """All calls since the last reset, in the order of their answers."""
        return [_call(one) for one in self._control("GET", "/calls")]

    @property
    def call_count(self) -> int:
        """The number of calls since the last reset, refused ones among them."""
        return int(self._control("GET", "/count")["count"])

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        return call(method, self.url.removesuffix("/v1") + "/control" + path, body)


def openai_stub() -> OpenaiStub:
    """The stub, not started yet."""
    port = free_port()
    child = Child(command=(sys.executable, str(PROGRAM), LOOPBACK, str(port)), folder=data_folder("openai"))
    return OpenaiStub(url=f"http://{LOOPBACK}:{port}/v1", origin=Origin.STAND_IN, runner=child)


def _call(values: dict[str, Any]) -> Call:
    return Call(**values | {"at": datetime.fromtimestamp(values["at"], UTC)})
