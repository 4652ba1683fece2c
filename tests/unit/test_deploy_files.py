"""What is deployed, held against the program, and against the tools that read it where they are on this machine."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import typer
import yaml

from entrypoints.cli.app import app
from entrypoints.variables import FILES, SECRETS, VARIABLES
from tests.documents import ROOT

SERVED = ("compose.yaml", "compose.neo4j.yaml", "compose.qdrant.yaml")
"""The compose files with services of their own, whose secrets the script makes."""
DOCKER, SYSTEMD = ROOT / "docker", ROOT / "deploy" / "systemd"
SUPERVISOR = ROOT / "deploy" / "supervisor"
PROGRAM = "/opt/penchant/bin/penchant"
WRAPPER = "/usr/local/bin/penchant"
UNITS = (
    "penchant-api.service",
    "penchant-neo4j@.service",
    "penchant-qdrant@.service",
    "penchant-relay.service",
    "penchant-worker@.service",
)
SETTINGS = {*FILES.values(), *(name for names in VARIABLES.values() for name in names)}
MOST_EXPOSED = "20"
"""Tenths of systemd's exposure level, of which 100 is the worst."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")


def _compose(name: str = "compose.yaml") -> Mapping[str, Any]:
    content: Mapping[str, Any] = yaml.safe_load((DOCKER / name).read_text())
    return content


def _services() -> Mapping[str, Any]:
    """All services, each from the file that it is begun in."""
    started = [_compose(file)["services"] for file in SERVED]
    return {name: service for services in started for name, service in services.items() if "image" in service}


def _secrets() -> Mapping[str, Any]:
    return {name: secret for file in SERVED for name, secret in _compose(file)["secrets"].items()}


def _ours() -> Mapping[str, Any]:
    return {name: service for name, service in _services().items() if service["image"] == "penchant"}


def _commands() -> list[list[str]]:
    """The arguments of penchant everywhere."""
    entry = re.compile(rf"^(?:ExecStart={PROGRAM}|command={WRAPPER}) (.+)$", re.MULTILINE)
    files = [*SUPERVISOR.glob("*.conf"), *(SYSTEMD / unit for unit in UNITS)]
    texts = [file.read_text().replace("%i", "1").replace("%(process_num)d", "1") for file in files]
    written = [command.split() for text in texts for command in entry.findall(text)]
    return [*written, *(service["command"] for service in _ours().values())]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a program that is there."""
    folder = tmp_path / "units"
    shutil.copytree(SYSTEMD, folder)
    for unit in UNITS:
        file = folder / unit
        file.write_text(file.read_text().replace(PROGRAM, sys.executable))
    return folder


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """Where the wrapper finds settings; the program that it runs prints them."""
    (tmp_path / "secrets").mkdir()
    return tmp_path


def test_each_command_is_one_that_the_program_takes() -> None:
    program: Any = typer.main.get_command(app)
    assert len(_commands()) == 5 + 5 + 6
    for name, *arguments in _commands():
        program.commands[name].make_context(name, list(arguments))  # raises where an option is none


@pytest.mark.parametrize(
    "files", [[*SUPERVISOR.glob("*.conf")], [SYSTEMD / unit for unit in UNITS]], ids=["supervisor", "systemd"]
)
def test_each_kind_of_process_on_a_machine_shows_its_metrics_on_ports_of_its_own(files: list[Path]) -> None:
    ports = [port for file in files for port in re.findall(r"--metrics-port (\d+)", file.read_text())]

    assert len(ports) == 4
    assert len(set(ports)) == len(ports)


def test_the_schema_of_compose_files_is_kept() -> None:
    checked = subprocess.run(
        [
            Path(sys.executable).with_name("check-jsonschema"),
            "--builtin-schema",
            "vendor.compose-spec",
            *DOCKER.glob("compose*.yaml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", sorted(_services()))
def test_each_container_can_gain_no_rights_and_has_limits_or_ends(name: str) -> None:
    service = _services()[name]

    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert "deploy" in service or service["restart"].startswith("on-failure")


@pytest.mark.parametrize("name", sorted(_ours()))
def test_our_containers_write_nowhere_and_take_secrets_from_files(name: str) -> None:
    service = _ours()[name]
    environment = service["environment"]

    assert service["read_only"] is True
    assert "cap_add" not in service
    assert set(environment) <= SETTINGS
    assert not set(environment) & SECRETS
    assert {Path(path).name for path in environment.values()} <= set(service["secrets"])


def test_every_secret_of_the_containers_is_made_by_the_script(tmp_path: Path) -> None:
    _make_secrets(tmp_path)
    declared = [secret["file"] for secret in _secrets().values()]

    assert [file for file in declared if not (tmp_path / Path(file).name).read_text().strip()] == []


def test_secrets_are_made_once_and_their_folder_is_the_owners(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    _make_secrets(folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    _make_secrets(folder)

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert folder.stat().st_mode & 0o777 == 0o700


def test_no_secret_gets_into_the_image_or_into_the_history() -> None:
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line for line in ignored if line.startswith("!")} == {
        "!pyproject.toml",
        "!README.md",
        "!requirements.lock",
        "!src",
    }


@pytest.mark.parametrize("file", [".env.example", "deploy/penchant.env"])
def test_the_example_of_an_environment_has_settings_only_and_no_secret(file: str) -> None:
    names = _names_in(ROOT / file)

    assert names
    assert names <= SETTINGS
    assert not names & SECRETS


def test_the_services_get_nothing_from_the_example_that_would_count_more_than_what_a_unit_sets() -> None:
    texts = [file.read_text() for file in SYSTEMD.rglob("*.*") if file.is_file()]
    set_by_units = {name for text in texts for name in re.findall(r"^Environment=(\w+)=", text, re.MULTILINE)}

    assert {"DATABASE_URL_FILE", "PENCHANT_API_KEYS_FILE"} <= set_by_units
    assert not _names_in(ROOT / "deploy" / "penchant.env") & {*set_by_units, *FILES.values()}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not on this machine")
def test_prometheus_can_read_its_configuration_in_containers() -> None:
    command = ["promtool", "check", "config", "--syntax-only", DOCKER / "prometheus.yml"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stderr


def test_a_shell_gets_the_settings_of_the_service_unless_they_are_set_there(etc: Path) -> None:
    for name in ("database_url", "redis_url", "api_keys"):
        (etc / "secrets" / name).write_text("secret")
    (etc / "penchant.env").write_text(
        '# ours\n; theirs\n\nMONGODB_URL=mongodb://m/?a=1&b=2\r\n\t PENCHANT_HOME="a b" \n' + "WORKER_MAX_RETRIES='3'"
    )

    given = dict(line.split("=", 1) for line in _wrapped(etc, REDIS_URL="mine").stdout.splitlines())

    assert {name: value for name, value in given.items() if name in SETTINGS} == {
        "DATABASE_URL_FILE": str(etc / "secrets" / "database_url"),
        "PENCHANT_API_KEYS_FILE": str(etc / "secrets" / "api_keys"),
        "REDIS_URL": "mine",
        "MONGODB_URL": "mongodb://m/?a=1&b=2",
        "PENCHANT_HOME": "a b",
        "WORKER_MAX_RETRIES": "3",
    }


def test_a_shell_takes_every_secret_that_may_be_in_a_file(etc: Path) -> None:
    files = {*FILES.values(), "PENCHANT_API_KEYS_FILE"}
    for name in files:
        (etc / "secrets" / name.removeprefix("PENCHANT_").removesuffix("_FILE").lower()).write_text("secret")

    given = {line.partition("=")[0] for line in _wrapped(etc).stdout.splitlines()}

    assert files <= given


@pytest.mark.parametrize(
    "line",
    ["export A=b", "A = b", "A= b", "A", "=b", "A-B=c", 'A="b', "A='b'c'", "A=b\\"],
)
def test_a_shell_refuses_a_line_that_systemd_would_read_in_another_way(etc: Path, line: str) -> None:
    (etc / "secrets" / "database_url").write_text("secret")
    (etc / "penchant.env").write_text(f"# ours\nWORKER_MAX_RETRIES=3\n{line}\n")

    refused = _wrapped(etc)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "line 3 of" in refused.stderr


def test_a_shell_without_the_address_of_the_log_is_refused_and_looks_nowhere_else(etc: Path) -> None:
    without = _wrapped(etc)
    (etc / "secrets").rmdir()
    before = _wrapped(etc)

    assert (without.returncode, before.returncode) == (2, 2)
    assert "database_url" in without.stderr
    assert "docs/deployment.md" in before.stderr


def test_a_shell_of_somebody_who_may_not_read_the_secrets_is_told_to_use_sudo() -> None:
    with TemporaryDirectory() as folder:
        etc = Path(folder)
        etc.chmod(0o755)
        (etc / "secrets").mkdir(mode=0)
        unreadable = _wrapped(etc, "nobody" if os.geteuid() == 0 else None)

    assert unreadable.returncode == 2
    assert "Use sudo" in unreadable.stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(units: Path, unit: str) -> None:
    verified = _systemd_analyze("verify", units / unit)

    assert (verified.returncode, verified.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_exposed_to_little(units: Path, unit: str) -> None:
    rated = _systemd_analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", units / unit)

    assert rated.returncode == 0, rated.stdout


def _systemd_analyze(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def _names_in(example: Path) -> set[str]:
    """The settings of an example of an environment."""
    return set(re.findall(r"^#?([A-Z_]+)=", example.read_text(), re.MULTILINE))


def _wrapped(etc: Path, user: str | None = None, **variables: str) -> "subprocess.CompletedProcess[str]":
    script = (ROOT / "deploy" / "penchant").read_text().replace("etc=/etc/penchant", f"etc={etc}")
    environment = {"PATH": os.environ["PATH"], "PENCHANT": "/usr/bin/env", **variables}
    command = ["sh", "-c", script]
    return subprocess.run(command, env=environment, user=user, capture_output=True, text=True, check=False)


def _make_secrets(folder: Path) -> None:
    subprocess.run(["sh", DOCKER / "make-secrets.sh", folder], check=True)
