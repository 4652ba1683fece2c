"""Installs servers for the tests: `make services`. Debian and root only; what is there already is left alone."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.services import maven
from tests.services.containers import docker_answers
from tests.services.mongodb_stand_in import build
from tests.services.neo4j_server import build as neo4j
from tests.services.server import program

POLICY = Path("/usr/sbin/policy-rc.d")
DENY_ALL = "#!/bin/sh\n# Servers that are installed for tests do not start by themselves.\nexit 101\n"
DENIED = 101
UNITS = {
    "rabbitmq-server": "rabbitmq-server",
    "mariadb-server": "mariadb",
    "redis-server": "redis-server",
    "prometheus": "prometheus",
}
"""Names for systemd by package."""


class NotInstalled(Exception):  # noqa: N818  what happened
    """Something is missing and could not be installed."""


def missing(environment: Mapping[str, str]) -> list[str]:
    """The Debian packages that tests need, without those of servers that the environment names."""
    packages = []
    if "RABBITMQ_DSN" not in environment and program("rabbitmq-server") is None:
        packages.append("rabbitmq-server")
    if "DATABASE_URL" not in environment and program("mariadbd", "mysqld") is None:
        packages.append("mariadb-server")
    if "REDIS_URL" not in environment and program("redis-server") is None:
        packages.append("redis-server")
    if _needs_stand_in(environment):
        packages += _missing_for_stand_in()
    if "NEO4J_URL" not in environment:
        packages += [] if program("java") is not None else ["default-jre-headless"]
        packages += [] if program("mvn") is not None or neo4j.built().exists() else ["maven"]
    return list(dict.fromkeys(packages))


def missing_tools() -> list[str]:
    """The Debian packages of programs that tests run wherever the servers are."""
    return ["prometheus"] if program("prometheus") is None or program("promtool") is None else []


def install(environment: Mapping[str, str]) -> None:
    """Install what is missing, build the stand-in for MongoDB, and fetch Neo4j. Raises NotInstalled."""
    packages = missing(environment) + missing_tools()
    if packages:
        _check_that_we_may(packages)
        _say(f"Installing servers for the tests, about half a minute: {' '.join(packages)}")
        with starting_forbidden():
            _apt("update")
            _apt("install", "--yes", "--no-install-recommends", *packages)
        _disable([UNITS[package] for package in packages if package in UNITS])
    try:
        if _needs_stand_in(environment) and not build.built().exists():
            _say("Building the stand-in for MongoDB, the first time only: some seconds")
            build.command()
        if "NEO4J_URL" not in environment and not neo4j.built().exists():
            _say("Fetching Neo4j, the first time only: 130 MB, about half a minute")
            neo4j.command()
    except maven.BuildFailed as error:
        raise NotInstalled(str(error)) from error


@contextmanager
def starting_forbidden(policy: Path = POLICY) -> Iterator[None]:
    """Debian asks the policy before a package starts its server: have it say no, and put it back afterwards."""
    if _denies(policy):
        yield
        return
    before = policy.with_name(policy.name + ".penchant-before")
    if policy.exists():
        policy.rename(before)
    policy.write_text(DENY_ALL)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()
        if before.exists():
            before.rename(policy)


def main(arguments: Sequence[str]) -> int:
    """`--for-tests`: only where there is no Docker, and never a reason not to run the tests."""
    if "--for-tests" not in arguments:
        return _report({})
    if os.environ.get("PENCHANT_TEST_SERVICES") != "none" and not docker_answers():
        _report(os.environ)
    return 0


def _report(environment: Mapping[str, str]) -> int:
    try:
        install(environment)
    except NotInstalled as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _needs_stand_in(environment: Mapping[str, str]) -> bool:
    return "MONGODB_URL" not in environment and program("mongod") is None


def _missing_for_stand_in() -> list[str]:
    if build.built().exists():
        return [] if program("java") is not None else ["default-jre-headless"]
    compiler = [] if program("java") and program("javac") else ["default-jdk-headless"]
    return compiler + ([] if program("mvn") else ["maven"])


def _check_that_we_may(packages: Sequence[str]) -> None:
    if program("apt-get") is None or not Path("/etc/debian_version").exists():
        why = "`make services` can install them on Debian only"
    elif os.geteuid() != 0:
        why = "`make services` can install them as root only"
    else:
        return
    raise NotInstalled(f"Servers for the tests are missing ({' '.join(packages)}), and {why}; Docker would do as well.")


def _denies(policy: Path) -> bool:
    if not policy.exists():
        return False
    return subprocess.run([str(policy), "redis-server", "start"], check=False).returncode == DENIED


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-q", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _disable(units: Sequence[str]) -> None:
    """The tests start servers of their own: those of the packages need not run after the next boot either."""
    if units and Path("/run/systemd/system").exists():
        subprocess.run(["systemctl", "disable", "--quiet", *units], check=False)


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
