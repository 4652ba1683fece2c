"""What a process of the program loads before it does anything: each of these costs every command."""

import subprocess
import sys

import pytest

NEEDED_BY_COMMANDS = {"dependency_injector", "numpy", "pydantic", "rich.progress", "sqlalchemy"}
NEEDED_BY_SOME = {
    "alembic",
    "faiss",
    "fastapi",
    "kombu",
    "matplotlib",
    "neo4j",
    "openai",
    "opentelemetry",
    "pymongo",
    "qdrant_client",
    "redis",
    "structlog",
    "wordllama",
}


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [("entrypoints.cli", NEEDED_BY_COMMANDS | NEEDED_BY_SOME), ("entrypoints.container", NEEDED_BY_SOME)],
)
def test_what_not_every_process_needs_is_loaded_by_those_that_do(module: str, unneeded: set[str]) -> None:
    program = f"import {module}, sys; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert module in loaded
    assert unneeded.isdisjoint(loaded)
