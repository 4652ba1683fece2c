"""What is said about a MongoDB server that does not let us in, or is not there: one paragraph, without the password."""

import pytest
from bson.errors import InvalidDocument
from pymongo import errors as driver

from adapters.mongodb.database import MongoDatabase, without_secrets
from adapters.mongodb.errors import error_of
from adapters.mongodb.schema import MongoSchema
from adapters.mongodb.user_embedding_store import MongoUserEmbeddingStore
from application.ports.examinable import Health
from domain.errors import (
    ConfigurationError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
    UnavailableError,
)
from tests.builders import DIMENSIONS
from tests.services.mongodb import MongodbSpace

PASSWORD = "s3cret"  # noqa: S105
SOON = "serverSelectionTimeoutMS=300&connectTimeoutMS=300"


def _failure(url: str) -> PenchantError:
    """What reading from there raises."""
    database = MongoDatabase(url, "penchant")
    try:
        with pytest.raises(PenchantError) as raised:
            MongoUserEmbeddingStore(database, DIMENSIONS).read(["ann"])
    finally:
        database.dispose()
    return raised.value


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nobody.invalid:27017", "[::1]:1", "127.0.0.1:1,127.0.0.1:2"])
def test_a_server_that_cannot_be_reached_is_named_with_its_setting(host: str) -> None:
    error = _failure(f"mongodb://ann:{PASSWORD}@{host}/?{SOON}")

    assert type(error) is UnavailableError
    assert "MONGODB_URL" in str(error)
    assert f"mongodb://ann:***@{host}/" in str(error)
    assert PASSWORD not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 500


def test_a_user_or_password_that_is_not_accepted_is_a_matter_of_the_setting(mongodb_space: MongodbSpace) -> None:
    host = mongodb_space.url.rpartition("@")[2].removeprefix("mongodb://").partition("/")[0]

    error = _failure(f"mongodb://nobody:{PASSWORD}@{host}/?serverSelectionTimeoutMS=2000")

    assert type(error) is ConfigurationError
    assert "MONGODB_URL" in str(error)
    assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    "url",
    [
        f"mongodb://ann:{PASSWORD}/x@host/",
        f"mongodb://ann:{PASSWORD}@x@host/",
        f"mongodb://ann:{PASSWORD}:x@host/",
        f"mongodb://ann:{PASSWORD}%zz@host/",
        f"mongodb://ann:{PASSWORD}[x:y@host/",
        f"mongodb://ann:{PASSWORD}@host:99999/",
        f"https://ann:{PASSWORD}@host/",
        "mongodb://",
    ],
)
def test_a_url_that_cannot_be_read_is_a_matter_of_the_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MONGODB_URL") as raised:
        MongoDatabase(url, "penchant")

    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a.b", "a$b"])
def test_a_database_that_cannot_be_is_a_matter_of_its_own_setting(name: str) -> None:
    with pytest.raises(ConfigurationError, match="MONGODB_DATABASE"):
        MongoDatabase("mongodb://host/", name)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://host/", "mongodb://host/"),
        ("mongodb://ann@host/", "mongodb://ann@host/"),
        ("mongodb://ann:a@host/", "mongodb://ann:***@host/"),
        ("mongodb://ann:a/b@c:d@one:1,two:2/x", "mongodb://ann:***@one:1,two:2/x"),
        ("mongodb+srv://ann:a@host/?tlsCertificateKeyFilePassword=b", "mongodb+srv://ann:***@host/"),
    ],
)
def test_an_address_is_shown_without_password_and_options(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_the_options_of_the_url_win_over_ours() -> None:
    database = MongoDatabase("mongodb://host/?serverSelectionTimeoutMS=7000&AppName=mine", "penchant")

    options = database.collection("user_embeddings").database.client.options

    assert (options.server_selection_timeout, options.pool_options.appname) == (7.0, "mine")
    assert options.pool_options.socket_timeout == 15.0


def test_what_the_url_says_about_reading_and_writing_does_not_weaken_it() -> None:
    url = "mongodb://host/?w=1&readConcernLevel=local&readPreference=secondary"

    collection = MongoDatabase(url, "penchant").collection("user_embeddings")

    assert collection.write_concern.document["w"] == "majority"
    assert collection.write_concern.document["wtimeout"] > 0
    assert collection.read_concern.level == "majority"
    assert collection.read_preference.mode == 0


def test_a_server_that_cannot_be_reached_is_one_finding() -> None:
    database = MongoDatabase(f"mongodb://ann:{PASSWORD}@127.0.0.1:1/?{SOON}", "penchant")

    findings = MongoSchema(database, DIMENSIONS).examine()
    database.dispose()

    assert [(f.part, f.subject, f.health) for f in findings] == [("MongoDB", "connection", Health.FAILED)]
    assert "MONGODB_URL" in findings[0].text
    assert PASSWORD not in findings[0].text


def _refusal(code: int, text: str = "no") -> driver.OperationFailure:
    return driver.OperationFailure(text, code, {"ok": 0})


def _bulk(*codes: int, concern: int | None = None) -> driver.BulkWriteError:
    concerns = [{"code": concern, "errmsg": "not now"}] if concern is not None else []
    writes = [{"index": n, "code": code, "errmsg": "no"} for n, code in enumerate(codes)]
    return driver.BulkWriteError({"writeErrors": writes, "writeConcernErrors": concerns})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (driver.AutoReconnect("gone"), UnavailableError),
        (driver.NotPrimaryError("not primary"), UnavailableError),
        (driver.ServerSelectionTimeoutError("Authentication failed."), ConfigurationError),
        (driver.WTimeoutError("waiting", 64, {}), UnavailableError),
        (driver.ExecutionTimeout("too long", 50), TransientError),
        (driver.CursorNotFound("gone", 43), TransientError),
        (driver.InvalidName("no"), PermanentError),
        (driver.ConfigurationError("wire version 6"), ConfigurationError),
        (driver.DocumentTooLarge("too large"), PermanentError),
        (InvalidDocument("no"), PermanentError),
        (OverflowError("8 bytes"), PermanentError),
        (_refusal(18, "Authentication failed."), ConfigurationError),
        (_refusal(8000, "bad auth : authentication failed"), ConfigurationError),
        (_refusal(8000, "you are over your space quota"), StorageFullError),
        (_refusal(13, "not authorized"), ConfigurationError),
        (_refusal(14031, "disk"), StorageFullError),
        (_refusal(10107), UnavailableError),
        (_refusal(112), TransientError),
        (_refusal(2), PermanentError),
        (_bulk(11000, 121), ConfigurationError),
        (_bulk(10334), PermanentError),
        (_bulk(11000, 189), UnavailableError),
        (_bulk(11000, concern=64), UnavailableError),
        (_bulk(concern=91), UnavailableError),
    ],
)
def test_each_error_of_the_driver_is_one_of_ours(error: Exception, kind: type[PenchantError]) -> None:
    found = error_of(error, "the MongoDB database penchant at mongodb://host/ (MONGODB_URL)", "MONGODB_URL")

    assert type(found) is kind
    assert "mongodb://host/" in str(found)
