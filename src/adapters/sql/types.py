"""Column types that read and write domain values, the same on every database."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime, kept in UTC to the microsecond. On SQLite it is text that sorts by time."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name == "mysql" else sa.String(32))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _to_naive_text if dialect.name == "mysql" else _to_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _from_naive if dialect.name == "mysql" else _from_text


def _from_naive(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=UTC)


@lru_cache(maxsize=1_024)
def _to_text(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    # Cached: the events of a batch share the time of recording, those of a basket the time at which they occurred.
    return (instant if instant.tzinfo is UTC else instant.astimezone(UTC)).isoformat(" ", "microseconds")


def _to_naive_text(instant: datetime | None) -> str | None:
    # MySQL takes no offset here before 8.0.19, and MariaDB none at all.
    text = _to_text(instant)
    return None if text is None else text.removesuffix("+00:00")


def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class Float32Vector(sa.types.TypeDecorator[npt.NDArray[np.float32]]):
    """ndarray of shape (d,), float32, as its bytes, little-endian."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(mysql.MEDIUMBLOB() if dialect.name == "mysql" else sa.LargeBinary())

    def process_bind_param(self, value: npt.NDArray[np.float32] | None, dialect: Dialect) -> bytes | None:
        return value.astype("<f4", copy=False).tobytes() if value is not None else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> npt.NDArray[np.float32] | None:
        return np.frombuffer(value, dtype="<f4") if isinstance(value, bytes) and len(value) % 4 == 0 else None


class ExactJson(sa.types.TypeDecorator[Any]):
    """A JSON value that comes back equal; None is NULL.

    On MySQL it is text: its own type would turn an integer beyond 64 bits into a float, and its repeat into a conflict.
    """

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(mysql.MEDIUMTEXT() if dialect.name == "mysql" else sa.JSON())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _to_json

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _from_json


def _to_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _from_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def identifier() -> sa.String:
    """A column type for identifiers.

    Compared byte by byte, without padding: SQLite does so by itself, MySQL by the collation of the tables (`ddl.py`).
    """
    return sa.String(128)


def normalized_phrase() -> sa.types.TypeEngine[str]:
    """A column type for a phrase in NFC, which may have three times the characters that were typed.

    SQLite keeps no text to its length.
    """
    return sa.String(1000).with_variant(mysql.VARCHAR(3000), "mysql")


def queue_name() -> sa.types.TypeEngine[str]:
    """A column type for the name of a queue: RabbitMQ takes 255 bytes. SQLite keeps no text to its length."""
    return sa.String(64).with_variant(mysql.VARCHAR(255), "mysql")


def long_text() -> sa.types.TypeEngine[str]:
    """A column type for text of any length: MySQL's plain TEXT ends at 64 KiB."""
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")


def message_body() -> sa.types.TypeEngine[bytes]:
    """A column type for bytes of any length."""
    return sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql")


def sha256_digest() -> sa.types.TypeEngine[bytes]:
    """A column type for 32 bytes that MySQL, too, can take for a key."""
    return sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql")


def big_integer() -> sa.types.TypeEngine[int]:
    """A 64-bit integer key that SQLite, too, counts up by itself."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
