"""Secrets in files that the environment names."""

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from entrypoints.settings import Settings
from entrypoints.variables import FILES, VARIABLES, load_settings, strange_variables

URL = "mysql://ann:s3cret@host/name"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that DATABASE_URL_FILE names."""
    path = tmp_path / "database_url"
    path.write_text(f"{URL}\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(path))
    return path


def test_a_secret_is_read_from_the_file_without_the_end_of_its_line(file: Path) -> None:
    url = load_settings().database_url

    assert file.exists()
    assert url is not None
    assert url.get_secret_value() == URL


@pytest.mark.parametrize("field", list(FILES))
def test_every_secret_may_be_in_a_file(field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_text("redis://ann:s3cret@host/0")
    monkeypatch.setenv(FILES[field], str(path))

    assert getattr(Settings(), field).get_secret_value() == "redis://ann:s3cret@host/0"


def test_the_addresses_of_servers_and_the_key_of_openai_are_secrets() -> None:
    assert {
        "DATABASE_URL_FILE",
        "MONGODB_URL_FILE",
        "OPENAI_API_KEY_FILE",
        "RABBITMQ_DSN_FILE",
        "REDIS_URL_FILE",
    } <= set(FILES.values())
    assert not {name for names in VARIABLES.values() for name in names} & set(FILES.values())


def test_a_secret_that_is_set_besides_its_file_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://other/name")

    with pytest.raises(ConfigurationError, match="DATABASE_URL and DATABASE_URL_FILE are both set"):
        load_settings()

    assert file.exists()


def test_a_file_that_is_missing_is_named_with_its_variable(file: Path) -> None:
    file.unlink()

    with pytest.raises(
        ConfigurationError, match=r"DATABASE_URL_FILE names .*database_url, which cannot be read: No such"
    ):
        load_settings()


@pytest.mark.parametrize(("content", "problem"), [(b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8")])
def test_a_file_without_a_secret_is_refused_rather_than_taken_for_no_setting(
    file: Path, content: bytes, problem: str
) -> None:
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=problem):
        load_settings()


def test_the_name_of_a_file_is_no_strange_variable_and_sets_what_it_stands_for() -> None:
    assert strange_variables(list(FILES.values())) == []
    assert strange_variables(["MONGODB_URI", "MONGODB_URL_FILE"]) == []
