"""The API may not promise more connections than its process may open files."""

import resource

from tests.integration.program import Program
from tests.services.ports import free_port

FILES = 500


def test_an_api_that_may_open_too_few_files_for_its_connections_does_not_start(program: Program) -> None:
    outcome = program.process(
        "serve",
        "--port",
        str(free_port()),
        before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)),
        PENCHANT_HTTP_MAX_CONNECTIONS=str(FILES),
    )

    assert outcome.code == 2
    assert f"PENCHANT_HTTP_MAX_CONNECTIONS is {FILES}" in outcome.stderr
    assert "LimitNOFILE" in outcome.stderr
