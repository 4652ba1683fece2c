"""One MongoDB database: its client, how safely it is read and written, and its errors in our words."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any
from urllib.parse import parse_qsl

from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import InvalidName, PyMongoError
from pymongo.read_concern import ReadConcern

from adapters.mongodb.errors import error_of
from domain.errors import ConfigurationError

Document = dict[str, Any]

DEFAULTS: dict[str, Any] = {
    "appname": "penchant",
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 3_000,
    "socketTimeoutMS": 15_000,
}
"""Options of the client where the URL says nothing else: an outage is known in seconds, not in half a minute."""

IDS_AT_ONCE = 10_000
"""Ids in one query: with the longest ones 5 MB, of the 16 MB that a command may have."""

MAJORITY_TIMEOUT_MS = 10_000
"""Shorter than the socket's, so that the server can say what it waits for."""

_CODEC: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    tzinfo=UTC,
    # What cannot be decoded must not hide the rest of a batch: it comes as something that no document should hold.
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)


class MongoDatabase:
    """A database that several adapters share. It connects at the first call.

    What is read has reached a majority, and so has what a call has written when it returns. A local read could show a
    state that a failover takes back after its deliveries were forgotten. Whoever reads an older state than the primary
    has loses the compare-and-set, and that lost write returns when the majority has the newer one: no busy loop.

    Parameters
    ----------
    url : as pymongo takes it; its options win over ours.
    name : of the database.
    setting : the name of the setting that holds the URL, for error texts.

    Raises
    ------
    ConfigurationError : the URL or the name cannot be used.
    """

    def __init__(self, url: str, name: str, setting: str = "MONGODB_URL") -> None:
        self._address = without_secrets(url)
        self._setting = setting
        given = {option.lower() for option, _ in parse_qsl(url.partition("?")[2])}
        options = {option: value for option, value in DEFAULTS.items() if option.lower() not in given}
        try:
            self._client: MongoClient[Document] = MongoClient(url, connect=False, **options)
        except (PyMongoError, ValueError, TypeError) as error:
            # Not the driver's text: where a password is not escaped, it takes a part of it for the port.
            raise ConfigurationError(
                f"{setting} cannot be read as mongodb://user:password@host:port/ ({type(error).__name__}). "
                "Write characters such as @ : / % in the user or the password as %40 %3A %2F %25."
            ) from error
        try:
            self._database: Database[Document] = self._client.get_database(
                name,
                codec_options=_CODEC,
                read_preference=ReadPreference.PRIMARY,
                read_concern=ReadConcern("majority"),
                write_concern=WriteConcern("majority", wtimeout=MAJORITY_TIMEOUT_MS),
            )
        except InvalidName as error:
            raise ConfigurationError(f"MONGODB_DATABASE cannot be {name!r}: {error}.") from error

    @property
    def name(self) -> str:
        """The name of the database."""
        return self._database.name

    @property
    def where(self) -> str:
        """This database in words: name, address without its password, setting."""
        return f"the MongoDB database {self.name} at {self._address} ({self._setting})"

    def collection(self, name: str) -> Collection[Document]:
        """A collection, read and written as said above. Use it within `translated`."""
        return self._database[name]

    def find_by_id(
        self,
        collection: Collection[Document],
        ids: Iterable[str],
        also: Document | None = None,
        fields: Document | None = None,
    ) -> Iterator[Document]:
        """The documents with these ids that match `also`, each once, in one round trip. Use it within `translated`."""
        distinct = list(dict.fromkeys(ids))
        for start in range(0, len(distinct), IDS_AT_ONCE):
            some = distinct[start : start + IDS_AT_ONCE]
            query = {"_id": {"$in": some}, **(also if also is not None else {})}
            # One more than can be found: else the server keeps a cursor open, and the driver asks again to close it.
            yield from collection.find(query, fields, batch_size=len(some) + 1)

    def count(self, collection: Collection[Document]) -> int:
        """How many documents with a text for an id there are, counted in the index. Use it within `translated`."""
        return collection.count_documents({"_id": {"$gte": ""}}, hint="_id_")

    def create_collection(self, name: str, **options: Any) -> None:
        """Make a collection. Use it within `translated`."""
        self._database.create_collection(name, check_exists=False, **options)

    def options_of(self, name: str) -> Document | None:
        """The options that a collection was made with; None where there is none. Use it within `translated`."""
        for found in self._database.list_collections(filter={"name": name}):
            options: Document = found["options"]
            return options
        return None

    def command(self, command: str, value: Any = 1, **arguments: Any) -> Document:
        """Run a command on this database. Use it within `translated`."""
        return self._database.command(command, value, **arguments)

    def admin_command(self, command: str, **arguments: Any) -> Document:
        """Run a command on the server. Use it within `translated`."""
        return self._client.admin.command(command, **arguments)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what pymongo raises in the block as an error of ours.

        UnavailableError when the server is out of reach, ConfigurationError when it does not let us in, TransientError
        when it may work the next time, PermanentError when it never will.
        """
        try:
            yield
        except (PyMongoError, BSONError, OverflowError) as error:
            raise error_of(error, self.where, self._setting) from error

    def dispose(self) -> None:
        """Close all connections, for good."""
        self._client.close()


def without_secrets(url: str) -> str:
    """The URL without password and options, either of which may be a secret."""
    return re.sub(r"(://[^:]*):.*@", r"\1:***@", url, flags=re.DOTALL).partition("?")[0]
