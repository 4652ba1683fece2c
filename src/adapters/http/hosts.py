"""By which names an API that needs no keys may be called."""

from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.http.problems import Problem

ELSEWHERE = Problem(
    status=HTTPStatus.MISDIRECTED_REQUEST,
    kind="host",
    detail="Without keys this serves its own machine only, and the Host of this request is another.",
    remedy="call it by localhost, 127.0.0.1 or [::1], or have the operator set keys",
    headers={"Connection": "close"},
)


class OwnMachineOnly:
    """Middleware: refuses what is called by any name but those of the machine itself.

    A page of another site can have its own name lead to 127.0.0.1 (DNS rebinding); to a browser the answers are then
    of that site, and CORS does not protect them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_own(Headers(scope=scope).getlist("host")):
            await ELSEWHERE.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_own(hosts: list[str]) -> bool:
    try:
        (host,) = hosts
        name = urlsplit(f"//{host}").hostname
        return name == "localhost" or (name is not None and ip_address(name).is_loopback)
    except ValueError:
        return False
