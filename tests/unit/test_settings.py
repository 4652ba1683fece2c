"""The settings: what the environment may say, what is warned of, and that the documents are true."""

from collections.abc import Callable
from itertools import product

import pytest

from adapters.mongodb.database import MongoDatabase
from adapters.rabbitmq.broker import Broker
from adapters.sql.database import Database
from docs.settings import DOCUMENT, markdown
from domain.errors import ConfigurationError
from entrypoints.settings import Settings
from entrypoints.variables import VARIABLES, load_settings, strange_variables, variable_of

ADDRESSES: dict[str, Callable[[str], str]] = {
    "DATABASE_URL": lambda url: Database(url, "DATABASE_URL").address,
    "MONGODB_URL": lambda url: MongoDatabase(url, "penchant").where,
    "RABBITMQ_DSN": lambda url: Broker(url=url).address,
    "REDIS_URL": lambda _: "",
    "OPENAI_BASE_URL": lambda _: "",
}
"""By variable, what errors say of its address, where that has anything of the user."""
SCHEMES = dict(zip(ADDRESSES, ("mysql", "mongodb", "amqp", "redis", "https"), strict=True))


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
    ("variable", "value", "sentence"),
    [
        ("PENCHANT_RATE_LIMIT_PER_KEY", "100", "a number, a slash and second, minute, hour or day are needed"),
        ("PENCHANT_RATE_LIMIT_PER_USER", "0/hour", "a number, a slash and second, minute, hour or day are needed"),
        ("PENCHANT_RATE_LIMIT_PER_USER", "9/hour\n", "a number, a slash and second, minute, hour or day are needed"),
        ("PENCHANT_QUEUE_TYPE", "stream", "input should be 'quorum' or 'classic'"),
        ("MONGODB_DATABASE", "a.b", 'no name of a database has one of / \\ . " $ * < > : | ? or a space'),
        ("MONGODB_DATABASE", "a\\b", 'no name of a database has one of / \\ . " $ * < > : | ? or a space'),
    ],
)
def test_a_value_of_another_form_is_answered_with_a_sentence_and_no_pattern(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError) as raised:
        load_settings()

    assert str(raised.value).startswith(f"{variable} is {value!r}: {sentence}. Correct or unset it; it looks like ")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mongodb://host/shop", "shop"),
        ("mongodb://ann:a%2Fb@one:1,two:2/shop?w=1", "shop"),
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


@pytest.mark.parametrize("url", ["amqp://ann:s3cret@mq/%2f", "amqp://ann:s3cret@mq", "redis://:s3cret@one/0"])
def test_errors_and_config_show_spell_the_address_of_the_broker_alike(url: str) -> None:
    settings = Settings.model_validate({"RABBITMQ_DSN": url})

    assert Broker(url=url).address == settings.shown("broker_url") == url.replace("s3cret", "***")


@pytest.mark.parametrize("variable", ADDRESSES)
def test_no_piece_of_a_password_that_is_not_escaped_is_shown(variable: str) -> None:
    pieces = ["".join(some) for some in product(["4711@", "4711/", "4711#", "4711?", "4711;", "4711:"], repeat=3)]
    urls = [f"{SCHEMES[variable]}://{user}:{piece}4711@db/penchant" for user in ("ann", "", "a/n") for piece in pieces]

    assert [url for url in urls if "4711" in _told(variable, url)] == []


def _told(variable: str, url: str) -> str:
    try:
        settings = Settings.model_validate({variable: url})
        [name] = settings.model_fields_set
        return settings.shown(name) + ADDRESSES[variable](url)
    except ConfigurationError as error:
        return str(error)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "mysql://ann:p@ss/w#ord@db/penchant"),
        ("MONGODB_URL", "mongodb://ann:a/b@host"),
        ("RABBITMQ_DSN", "amqp://ann:a@one/;amqp://ann:a#b@two/"),
        ("REDIS_URL", "redis://:a?b@cache/0"),
    ],
)
def test_an_at_behind_the_host_is_refused_with_the_way_to_write_it(variable: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable} .*%40"):
        Settings.model_validate({variable: url})


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "sqlite:////home/ann@work/penchant.db"),
        ("DATABASE_URL", "mysql://ann:p%40ss%2Fw@db/penchant?ssl_ca=/etc/ca.crt"),
        ("RABBITMQ_DSN", "amqp://ann:a@one/%2f;amqp://ann:a@two/%2f"),
        ("REDIS_URL", "unix:///home/ann@work/redis.sock"),
    ],
)
def test_an_address_whose_password_is_escaped_is_taken(variable: str, url: str) -> None:
    assert Settings.model_validate({variable: url}).model_fields_set
