"""What is peculiar to MySQL and MariaDB: addresses, sessions, and errors in our words."""

from typing import Any

from sqlalchemy import exc
from sqlalchemy.engine import URL, Connection

from domain.errors import (
    ConfigurationError,
    LostRaceError,
    OtherTablesError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
    UnavailableError,
)

COLLATIONS = {"MySQL": "utf8mb4_0900_bin", "MariaDB": "utf8mb4_nopad_bin"}
"""Compare byte by byte without padding. The utf8mb4_bin that both have takes "abc" for "abc ".

VARBINARY would compare the same, and show operators hexadecimal digits for names.
"""

PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP"
"""What our user needs; the last four for `penchant setup` only."""

CONNECT_SECONDS = 5
ANSWER_SECONDS = 60
"""How long a statement may leave us without an answer; migrations may take any time."""

STREAM_SECONDS = 600
"""How long the server lets a stream of rows stand still while its reader works."""

LOCK_SECONDS = 10
RECYCLE_SECONDS = 300
"""A connection older than this is made anew, because firewalls forget idle ones and servers close them."""

_SQL_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO"

_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
# MariaDB would make a temporary table of a long list of numbers and join it: nine times as slow as a range of the key.
_VARIABLES = (
    f"SET time_zone = '+00:00', sql_mode = '{_SQL_MODE}', net_write_timeout = {STREAM_SECONDS},"
    f" innodb_lock_wait_timeout = {LOCK_SECONDS} /*M! , in_predicate_conversion_threshold = 0 */"
)

_LOST = {
    1020: "a row has changed since it was read",
    1062: "a key is taken",
    1205: "it waited too long for a lock",
    1213: "it was in a deadlock",
}
_FULL = {1021, 1026, 1114}
_FULL_BELOW = ("Errcode: 28", "error 28 ", "Errcode: 122", "error 122 ")
_UNAVAILABLE = {
    *(0, 1040, 1053, 1077, 1078, 1079, 1080, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1927, 1047, 3100),
    *(2002, 2003, 2006, 2012, 2013, 2014, 2026, 2045, 2055, 3169, 4031),
}
_READ_ONLY = {1290, 1792, 1836}
_SLOW = {1317, 1969, 3024}
_REMEDIES = {
    1044: "lets this user not use the database; GRANT {privileges} ON the database TO the user",
    1045: "refuses the user or the password; check both",
    1049: "has no database of that name; CREATE DATABASE it, or correct the name",
    1130: "takes no connection from this host; CREATE USER for it",
    1142: "lets this user not do what is needed; GRANT {privileges} ON the database TO the user",
    1143: "lets this user not do what is needed; GRANT {privileges} ON the database TO the user",
    1227: "lets this user not do what is needed; GRANT {privileges} ON the database TO the user",
    1251: "wants a way to log in that this program does not know; ALTER USER … IDENTIFIED WITH caching_sha2_password",
    1273: "is too old; MySQL 8.0.17 or MariaDB 10.6 is needed",
    1665: "writes its binary log by statement; set binlog_format = ROW",
    1698: "refuses the user or the password; check both",
    2059: "wants a way to log in that this program does not know; ALTER USER … IDENTIFIED WITH caching_sha2_password",
}
DENIED = {1142, 1143, 1227}
"""Errors of a user who may not do something."""

_OLD_TABLES = {1054, 1146}
_TOO_LARGE = {1153}
_QUOTING = {1064, 1292, 1366, 1367, 1411, 1525}
"""Errors whose text quotes values, which nobody may read."""


def normalized(url: URL) -> URL:
    """The URL for PyMySQL, without Symfony's `serverVersion`."""
    query = {name: value for name, value in url.query.items() if name not in ("serverVersion", "charset")}
    return url.set(drivername="mysql+pymysql", query={**query, "charset": "utf8mb4"})


def connect_arguments(url: URL, answer_seconds: int | None) -> dict[str, Any]:
    """Time-outs for PyMySQL, where the URL does not give its own."""
    arguments = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": answer_seconds,
        "write_timeout": answer_seconds,
    }
    return {name: seconds for name, seconds in arguments.items() if name not in url.query}


def connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> Any:
    """Open a connection for SQLAlchemy."""
    from adapters.sql.mysql_connection import StreamingConnection

    return StreamingConnection(*arguments, **named)


def configure(connection: Any, _record: Any) -> None:
    """Make a new connection's session what the adapters count on, whatever the server's defaults are."""
    with connection.cursor() as cursor:
        cursor.execute(_ISOLATION)
        cursor.execute(_VARIABLES)


def read_one_state(connection: Connection) -> None:
    """Let the transaction that begins now see one state of the database."""
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def server_kind(connection: Connection) -> str:
    """ "MySQL" or "MariaDB"."""
    return "MariaDB" if getattr(connection.dialect, "is_mariadb", False) else "MySQL"


def error_of(error: exc.DBAPIError, where: str) -> PenchantError:
    """A driver's error in our words. `where` is such as "the database at mysql://… (DATABASE_URL)"."""
    arguments = error.orig.args if error.orig is not None else ()
    code = arguments[0] if arguments and isinstance(arguments[0], int) else -1
    text = str(arguments[1]) if len(arguments) > 1 else str(error.orig)
    there = where[0].upper() + where[1:]
    if code in _LOST:
        return LostRaceError(f"Another transaction was first ({_LOST[code]}); repeat this one.")
    if code in _FULL or any(part in text for part in _FULL_BELOW):
        return StorageFullError(f"There is no room left for {where}, so nothing was written; free some and repeat.")
    if code in _REMEDIES:
        return ConfigurationError(f"{there} {_REMEDIES[code].format(privileges=PRIVILEGES)}.")
    if code in _OLD_TABLES:
        return OtherTablesError(f"The tables of {where} are missing or old; run `penchant setup`.")
    if code in _READ_ONLY:
        return UnavailableError(
            f"{there} only reads: it is a replica, or being replaced. Point to the one that writes."
        )
    if code in _TOO_LARGE:
        return PermanentError(f"{there} takes no statement of this size; raise its max_allowed_packet.")
    if code in _SLOW:
        return TransientError(f"{there} has ended a statement that took too long; try again.")
    if code in _UNAVAILABLE or isinstance(error, exc.InterfaceError) or error.connection_invalidated:
        return UnavailableError(f"{there} cannot be reached: {text}. Check that the server runs, and the address.")
    said = "" if code in _QUOTING else f", {text}"
    if isinstance(error, exc.OperationalError):
        return TransientError(f"{there} failed with error {code}{said}. Try again.")
    return PermanentError(f"{there} refused a statement with error {code}{said}.")
