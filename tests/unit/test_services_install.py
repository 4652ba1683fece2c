"""What `make services` does to a Debian machine, as far as that shows without one."""

import subprocess
from pathlib import Path

import pytest

from tests.services import install

ALLOW = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Where Debian would look for a policy."""
    return tmp_path / "policy-rc.d"


def test_packages_do_not_start_their_servers_and_leave_no_trace_of_that(policy: Path) -> None:
    with install.starting_forbidden(policy):
        assert _answer(policy) == install.DENIED
    assert list(policy.parent.iterdir()) == []


def test_a_policy_of_the_machine_is_put_back_even_after_a_failure(policy: Path) -> None:
    _write(policy, ALLOW)
    with pytest.raises(install.NotInstalled):
        _fail_to_install(policy)
    assert policy.read_text() == ALLOW
    assert _answer(policy) == 0


def test_a_policy_that_forbids_already_is_left_alone(policy: Path) -> None:
    _write(policy, install.DENY_ALL + "# the machine's own\n")
    before = policy.stat()
    with install.starting_forbidden(policy):
        assert policy.stat() == before
    assert policy.read_text().endswith("# the machine's own\n")


def test_servers_of_the_environment_need_no_packages() -> None:
    settings = ("RABBITMQ_DSN", "DATABASE_URL", "REDIS_URL", "MONGODB_URL", "NEO4J_URL")
    assert install.missing(dict.fromkeys(settings, "somewhere")) == []


def _fail_to_install(policy: Path) -> None:
    with install.starting_forbidden(policy):
        assert _answer(policy) == install.DENIED
        raise install.NotInstalled("no network")


def _write(policy: Path, text: str) -> None:
    policy.write_text(text)
    policy.chmod(0o755)


def _answer(policy: Path) -> int:
    return subprocess.run([policy, "redis-server", "start"], check=False).returncode
