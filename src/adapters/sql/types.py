"""Column types that read and write domain values, the same on every database."""

from datetime import UTC, datetime
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

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "mysql" else utc.isoformat(" ", "microseconds")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value.replace(tzinfo=UTC) if dialect.name == "mysql" else datetime.fromisoformat(value)
        return instant


class Float32Vector(sa.types.TypeDecorator[npt.NDArray[np.float32]]):
    """ndarray of shape (d,), float32, as its bytes, little-endian."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(mysql.MEDIUMBLOB() if dialect.name == "mysql" else sa.LargeBinary())

    def process_bind_param(self, value: npt.NDArray[np.float32] | None, dialect: Dialect) -> bytes | None:
        return value.astype("<f4", copy=False).tobytes() if value is not None else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> npt.NDArray[np.float32] | None:
        return np.frombuffer(value, dtype="<f4") if value is not None and len(value) % 4 == 0 else None


def identifier() -> sa.String:
    """A column type for identifiers: compared byte by byte, without padding."""
    return sa.String(128)


def big_integer() -> sa.types.TypeEngine[int]:
    """A 64-bit integer key that SQLite, too, counts up by itself."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
