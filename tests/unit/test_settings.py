"""The settings: what the environment may say, what is warned of, and that the documents are true."""

import pytest

from docs.settings import DOCUMENT, markdown
from domain.errors import ConfigurationError
from entrypoints.settings import Settings
from entrypoints.variables import VARIABLES, strange_variables, variable_of


def _database(url: str, **variables: str) -> str:
    return Settings.model_validate({"MONGODB_URL": url, **variables}).mongodb_database


def test_the_table_of_all_variables_is_the_one_that_make_docs_writes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == markdown()


@pytest.mark.parametrize("name", list(VARIABLES))
def test_the_example_of_a_setting_is_one_that_it_takes(name: str) -> None:
    field = Settings.model_fields[name]
    example = field.examples[0] if field.examples else field.default

    assert name in Settings.model_validate({variable_of(name): example}).model_fields_set


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RABBITMQ_URL", "RABBITMQ_DSN"),
        ("MONGO_URL", "MONGODB_URL"),
        ("MYSQL_URL", "DATABASE_URL"),
        ("REDIS_DSN", "REDIS_URL"),
        ("OPENAI_KEY", "OPENAI_API_KEY"),
        ("EMBEDDING_DECAY_LAMDA", "EMBEDDING_DECAY_LAMBDA"),
        ("PENCHANT_QUEUE", "PENCHANT_QUEUE_TYPE"),
        ("PENCHANT_MAX_RETRIES", "WORKER_MAX_RETRIES"),
        ("PENCHANT_COLOUR", None),
    ],
)
def test_a_variable_that_sets_nothing_is_named_with_the_one_that_was_meant(name: str, meant: str | None) -> None:
    [strange] = strange_variables([name, "HOME"])

    assert (strange.name, strange.meant) == (name, meant)
    assert name in str(strange)


def test_no_setting_is_strange() -> None:
    ours = [name for names in VARIABLES.values() for name in names]

    assert strange_variables([*ours, "PENCHANT_DEBUG", "PENCHANT_TEST_SERVICES", "_PENCHANT_COMPLETE"]) == []


@pytest.mark.parametrize(
    "names",
    [
        ["RABBITMQ_HOST", "RABBITMQ_DEFAULT_USER", "MONGODB_USER", "MONGODB_PORT", "REDIS_HOST", "REDIS_TLS_URL"],
        [
            "OPENAI_API_BASE",
            "OPENAI_ORG_ID",
            "OPENAI_MODEL",
            "DATABASE_NAME",
            "TEST_DATABASE_URL",
            "WORKER_CONNECTIONS",
        ],
        ["RABBITMQ_URL", "RABBITMQ_DSN"],
        ["MONGODB_URI", "MONGODB_URL"],
    ],
    ids=["servers", "programs", "beside-ours", "almost-ours-beside-ours"],
)
def test_variables_of_other_programs_raise_no_alarm(names: list[str]) -> None:
    assert strange_variables(names) == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mongodb://host/shop", "shop"),
        ("mongodb://ann:a%2Fb@one:1,two:2/shop?w=1", "shop"),
        ("mongodb://ann:a/b@host", "penchant"),
        ("mongodb://host", "penchant"),
        ("mongodb://host/?authSource=people", "penchant"),
        ("mongodb://ann:secret@host/admin", "penchant"),
    ],
)
def test_the_database_is_the_one_in_the_path_of_the_url(url: str, name: str) -> None:
    assert _database(url) == name


def test_a_database_that_is_set_by_itself_holds_where_the_url_names_none_or_the_same() -> None:
    assert _database("mongodb://host/", MONGODB_DATABASE="shop") == "shop"
    assert _database("mongodb://host/shop", MONGODB_DB="shop") == "shop"
    assert _database("mongodb://host/admin", MONGODB_DATABASE="shop") == "shop"


def test_two_databases_are_refused_with_the_way_to_say_where_the_user_is_known() -> None:
    with pytest.raises(ConfigurationError, match=r"MONGODB_DATABASE is 'shop'.*'people'.*authSource=people") as raised:
        _database("mongodb://ann:s3cret@host/people", MONGODB_DATABASE="shop")

    assert "s3cret" not in str(raised.value)


def test_an_address_is_shown_without_its_password_whether_it_is_a_secret_or_not() -> None:
    settings = Settings.model_validate(
        {"RABBITMQ_DSN": "amqp://ann:s3cret@mq/shop", "OPENAI_BASE_URL": "https://ann:s3cret@host/v1"}
    )

    assert settings.shown("broker_url") == "amqp://ann:***@mq/shop"
    assert settings.shown("openai_base_url") == "https://ann:***@host/v1"
