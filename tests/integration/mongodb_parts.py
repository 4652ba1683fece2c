"""Penchant's connection to an empty database of MongoDB or its stand-in."""

from collections.abc import Iterator

import pytest

from adapters.mongodb.database import MongoDatabase
from tests.services.mongodb import MongodbSpace


@pytest.fixture(name="database")
def database_fixture(mongodb_space: MongodbSpace) -> Iterator[MongoDatabase]:
    """The connection."""
    database = MongoDatabase(mongodb_space.url, mongodb_space.database)
    yield database
    database.dispose()
