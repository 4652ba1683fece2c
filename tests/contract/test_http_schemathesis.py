"""Schemathesis makes requests from the API's own description, right ones and wrong ones, and checks every answer."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.effort import EFFORT, SEED
from tests.contract.live_api import LiveApi, live_fixture  # noqa: F401

EXAMPLES = 25
"""For each path and method, besides those that cover each keyword of the schemas."""
ROOT = Path(__file__).parents[2]
HINTS = "tests.contract.schemathesis_hints"
"""For the program alone: to load it here would take 40 MB in each process of the tests."""


@pytest.mark.slow
def test_every_answer_is_as_the_description_says(live: LiveApi) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{live.api.url}/openapi.json"),
        *("--checks", "all", "--continue-on-failure", "--no-color"),
        *("--header", f"Authorization: Bearer {live.key}"),
        *("--max-examples", str(EXAMPLES * EFFORT), "--seed", str(SEED), "--generation-database", "none"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": HINTS}

    done = subprocess.run(
        command, cwd=live.program.folder, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    paths = live.api.get("/openapi.json").json()["paths"]
    [tested] = re.findall(r"Tested: (\d+)", done.stdout)
    assert int(tested) == sum(len(methods) for methods in paths.values()), done.stdout
    assert "passed" in done.stdout.rpartition("Test cases:")[2]
