"""A real API process for tests that try everything on it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

from application.api_keys import Scope
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.integration.http_api import Api, serving, starting
from tests.integration.program import Outcome, Program

PRODUCTS = {"tea": "green tea", "pot": "red teapot", "7": "blue mug"}
SERVERS: Mapping[str, Mapping[str, str]] = {
    "embedded": {},
    "mysql-rabbitmq": {"DATABASE_URL": "mysql_url", "RABBITMQ_DSN": "rabbitmq_url"},
}
"""Settings by what the API runs on, with the fixtures that say their values."""


@frozen(kw_only=True)
class LiveApi:
    """A running API that has some products, and a key to all of it."""

    api: Api
    key: str
    program: Program
    variables: Mapping[str, str]

    def run(self, *arguments: str) -> Outcome:
        """Run another command on the same data."""
        return self.program.ok(*arguments, **self.variables)

    @contextmanager
    def container(self) -> Iterator[Container]:
        """The parts of the program on the same data."""
        settings = Settings.model_validate({"PENCHANT_HOME": self.program.home, **self.variables})
        container = Container(settings=settings)
        try:
            yield container
        finally:
            container.shutdown_resources()
            container.database().dispose()


@contextmanager
def live_api(folder: Path, kind: str, value_of: Callable[[str], str]) -> Iterator[LiveApi]:
    """Start the API on the servers of that kind; `value_of` returns what a fixture says."""
    program = Program(home=folder / "home", folder=folder)
    made = program.ok("keys", "new", "tests", *(part for scope in Scope for part in ("--scope", scope)), "--json").json
    variables = {name: value_of(fixture) for name, fixture in SERVERS[kind].items()}
    (folder / "products.jsonl").write_text(
        "".join(json.dumps({"product_id": key, "text": text}) + "\n" for key, text in PRODUCTS.items())
    )
    program.ok("setup", **variables)
    program.ok("products", "import", "products.jsonl", **variables)
    with serving(starting(program), **variables, PENCHANT_API_KEYS=made["line"]) as api:
        api.client.headers["Authorization"] = f"Bearer {made['key']}"
        yield LiveApi(api=api, key=made["key"], program=program, variables=variables)


@pytest.fixture(name="live", params=SERVERS)
def live_fixture(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveApi]:
    """The API, on each kind of servers."""
    with live_api(tmp_path, request.param, request.getfixturevalue) as live:
        yield live
