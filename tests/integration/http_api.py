"""The HTTP API as a process of its own, and a client of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from attrs import frozen

from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.program import Program
from tests.services.ports import LOOPBACK, free_port
from tests.services.waiting import wait_until

CLIENT_SECONDS = 30.0


@frozen(kw_only=True)
class Api:
    """A running API."""

    process: PenchantProcess
    url: str
    client: httpx.Client

    def post(self, path: str, message: object = None, **headers: str) -> httpx.Response:
        """Send JSON, or nothing."""
        if message is None:
            return self.client.post(path, headers=headers)
        return self.client.post(path, json=message, headers=headers)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Ask."""
        return self.client.get(path, params=query)

    def wait_for_embedding(self, user_id: str, events: int) -> Mapping[str, Any]:
        """Wait until so many live events are in the embedding of a user, and return it."""

        def embedding() -> Mapping[str, Any] | None:
            answer = self.get(f"/api/user/{user_id}/embedding")
            body: Mapping[str, Any] = answer.json()
            return body if answer.status_code == httpx.codes.OK and body["event_count"] == events else None

        found = wait_until(embedding, DEADLINE_SECONDS, f"{events} events in the embedding of {user_id}")
        assert found is not None
        return found


@contextmanager
def serving(start: Callable[..., PenchantProcess], *arguments: str, **variables: str) -> Iterator[Api]:
    """Start `penchant serve` by a function that starts the program, and end it with the block."""
    port = free_port()
    process = start("serve", "--port", str(port), *arguments, **variables)
    url = f"http://{LOOPBACK}:{port}"
    try:
        with httpx.Client(base_url=url, timeout=CLIENT_SECONDS) as client:
            wait_until(lambda: _answers(client, process), DEADLINE_SECONDS, "the API to answer")
            yield Api(process=process, url=url, client=client)
    finally:
        process.end()


def refusals_of_redis(api: Api) -> list[str]:
    """What Redis does not let the service do. That it answers late, on a busy machine, is none."""
    sentences = [str(line["sentence"]) for line in api.process.journal("rate_limits_alone")]
    return [sentence for sentence in sentences if "does not" in sentence]


def starting(program: Program) -> Callable[..., PenchantProcess]:
    """Starts the program on its home, to run beside the test."""

    def start(*arguments: str, **variables: str) -> PenchantProcess:
        return PenchantProcess(
            command=program.command(*arguments),
            environment=program.environment(**variables),
            output=program.folder / f"{arguments[0]}.log",
        )

    return start


def _answers(client: httpx.Client, process: PenchantProcess) -> bool:
    assert process.running, process.last_words()
    try:
        return client.get("/health").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
