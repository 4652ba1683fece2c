"""What `penchant doctor` says about MySQL and MariaDB."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from adapters.sql import mysql
from adapters.sql.database import Database
from adapters.sql.tables import metadata
from application.ports.examinable import Finding, Health
from domain.errors import PenchantError

OLDEST = {"MySQL": (8, 0, 17), "MariaDB": (10, 6, 0)}
"""The first versions with FOR UPDATE SKIP LOCKED and a binary collation that pads nothing."""

SLOW_MS = 20.0
SKEW_SECONDS = 5.0
PINGS = 5
LEAST_PACKET_BYTES = 16_777_216

_VARIABLES = (
    "@@version AS version, @@log_bin AS log_bin, @@binlog_format AS binlog_format, @@read_only AS read_only,"
    " @@innodb_flush_log_at_trx_commit AS flush, @@max_allowed_packet AS packet, CURRENT_USER() AS user,"
    " DATABASE() AS name"
)


class MysqlExamination:
    """One look at a server. Changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def findings(self) -> Sequence[Finding]:
        """Everything that was found; only that, where the server cannot be reached."""
        try:
            with self._database.reading() as connection:
                part = mysql.server_kind(connection)
                seen = connection.exec_driver_sql(f"SELECT {_VARIABLES}").mappings().one()
        except PenchantError as error:
            return [Finding(part="MySQL", subject="connection", health=Health.FAILED, text=str(error))]
        found = [
            Finding(part=part, subject="connection", health=Health.OK, text=f"It answers: {self._database.address}."),
            version(part, str(seen["version"])),
            binary_log(part, bool(seen["log_bin"]), str(seen["binlog_format"])),
            durability(part, int(seen["flush"])),
            largest_statement(part, int(seen["packet"])),
        ]
        if seen["read_only"]:
            text = "The server only reads: it is a replica, or being replaced."
            remedy = f"Point {self._database.setting} to the one that writes."
            found.append(Finding(part=part, subject="read only", health=Health.FAILED, text=text, remedy=remedy))
        checks: Sequence[tuple[str, Callable[[Connection], Finding]]] = (
            ("latency", lambda connection: latency(part, _latency_ms(connection))),
            ("clock", lambda connection: clock(part, _skew_seconds(connection))),
            ("collation", lambda connection: collation(part, _strangers(connection, part))),
            ("permissions", lambda c: permissions(part, str(seen["user"]), str(seen["name"]), _refused(c))),
        )
        return [*found, *(self._checked(part, subject, check) for subject, check in checks)]

    def _checked(self, part: str, subject: str, check: Callable[[Connection], Finding]) -> Finding:
        try:
            with self._database.reading() as connection:
                return check(connection)
        except PenchantError as error:
            return Finding(part=part, subject=subject, health=Health.FAILED, text=str(error))


def version(part: str, text: str) -> Finding:
    """Whether the server is new enough."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", text)[:3])
    oldest = ".".join(map(str, OLDEST[part]))
    if numbers >= OLDEST[part]:
        return Finding(part=part, subject="version", health=Health.OK, text=f"{text}, and {oldest} is needed.")
    remedy = f"Upgrade it to {oldest} or newer."
    return Finding(part=part, subject="version", health=Health.FAILED, text=f"{text} is too old.", remedy=remedy)


def binary_log(part: str, is_on: bool, written_by: str) -> Finding:
    """Whether the binary log can be written under READ COMMITTED, which all our transactions use."""
    if not is_on or written_by != "STATEMENT":
        text = f"It is {f'written by {written_by}' if is_on else 'off'}, which goes with READ COMMITTED."
        return Finding(part=part, subject="binary log", health=Health.OK, text=text)
    text = "It is written by STATEMENT, and InnoDB refuses to write under READ COMMITTED then."
    remedy = "Set binlog_format = ROW."
    return Finding(part=part, subject="binary log", health=Health.FAILED, text=text, remedy=remedy)


def durability(part: str, flush: int) -> Finding:
    """Whether an accepted event is on the disk."""
    if flush == 1:
        text = "Each commit is written to the disk."
        return Finding(part=part, subject="durability", health=Health.OK, text=text)
    text = f"innodb_flush_log_at_trx_commit is {flush}: a crash may lose the last second of accepted events."
    remedy = "Set innodb_flush_log_at_trx_commit = 1."
    return Finding(part=part, subject="durability", health=Health.WARNING, text=text, remedy=remedy)


def largest_statement(part: str, packet_bytes: int) -> Finding:
    """Whether a dead letter of 10 MB can be kept."""
    text = f"max_allowed_packet is {packet_bytes} bytes."
    if packet_bytes >= LEAST_PACKET_BYTES:
        return Finding(part=part, subject="largest statement", health=Health.OK, text=text)
    remedy = f"Set max_allowed_packet to {LEAST_PACKET_BYTES} or more, so that dead letters of 10 MB can be kept."
    return Finding(part=part, subject="largest statement", health=Health.WARNING, text=text, remedy=remedy)


def latency(part: str, milliseconds: float) -> Finding:
    """Whether a round trip is short."""
    text = f"A round trip takes {milliseconds:.1f} ms."
    if milliseconds <= SLOW_MS:
        return Finding(part=part, subject="latency", health=Health.OK, text=text)
    remedy = "Run Penchant nearer to its database: recording takes six round trips."
    return Finding(part=part, subject="latency", health=Health.WARNING, text=text, remedy=remedy)


def clock(part: str, skew_seconds: float) -> Finding:
    """Whether the server's clock and ours agree."""
    text = f"Its clock and ours differ by {abs(skew_seconds):.1f} s."
    if abs(skew_seconds) <= SKEW_SECONDS:
        return Finding(part=part, subject="clock", health=Health.OK, text=text)
    remedy = "Let both machines set their clocks by NTP."
    return Finding(part=part, subject="clock", health=Health.WARNING, text=text, remedy=remedy)


def collation(part: str, strangers: Mapping[str, str]) -> Finding:
    """Whether ids are compared byte by byte; `strangers` are the tables that do otherwise, and how."""
    wanted = mysql.COLLATIONS[part]
    if not strangers:
        text = f"Ids are compared byte by byte ({wanted})."
        return Finding(part=part, subject="collation", health=Health.OK, text=text)
    text = "Ids may be taken for one another in " + ", ".join(f"{t} ({c})" for t, c in sorted(strangers.items())) + "."
    remedy = f"ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4 COLLATE {wanted}, for each of them."
    return Finding(part=part, subject="collation", health=Health.FAILED, text=text, remedy=remedy)


def permissions(part: str, user: str, database: str, refused: Mapping[str, Sequence[str]]) -> Finding:
    """Whether our user may do what we need; `refused` are tables by what must not be done, such as "UPDATE"."""
    if not refused:
        text = f"{user} may read and write all tables."
        return Finding(part=part, subject="permissions", health=Health.OK, text=text)
    name, _, host = user.partition("@")
    text = f"{user} may not " + "; ".join(f"{verb} {', '.join(tables)}" for verb, tables in refused.items()) + "."
    remedy = f"GRANT {mysql.PRIVILEGES} ON `{database}`.* TO '{name}'@'{host}'."
    return Finding(part=part, subject="permissions", health=Health.FAILED, text=text, remedy=remedy)


def _latency_ms(connection: Connection) -> float:
    times_ms = []
    for _ in range(PINGS):
        start = perf_counter()
        connection.exec_driver_sql("SELECT 1")
        times_ms.append(1_000 * (perf_counter() - start))
    return median(times_ms)


def _skew_seconds(connection: Connection) -> float:
    before = datetime.now(UTC)
    theirs: datetime = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(6)").scalar_one()
    after = datetime.now(UTC)
    return (theirs.replace(tzinfo=UTC) - (before + (after - before) / 2)).total_seconds()


def _strangers(connection: Connection, part: str) -> Mapping[str, str]:
    """Our tables that are not InnoDB, or have a column of another collation."""
    query = sa.text(
        "SELECT t.TABLE_NAME, t.ENGINE, c.COLLATION_NAME FROM information_schema.TABLES t"
        " JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME"
        " WHERE t.TABLE_SCHEMA = DATABASE() AND c.COLLATION_NAME IS NOT NULL"
    )
    return {
        table: collation if engine == "InnoDB" else engine
        for table, engine, collation in connection.execute(query)
        if table in metadata.tables and (engine != "InnoDB" or collation != mysql.COLLATIONS[part])
    }


def _refused(connection: Connection) -> Mapping[str, Sequence[str]]:
    """What is refused, by statements that touch no row."""
    there = set(sa.inspect(connection).get_table_names()) & set(metadata.tables)
    refused: dict[str, list[str]] = {}
    for table in sorted(there):
        for verb, statement in _harmless(metadata.tables[table]):
            if not _may(connection, statement):
                refused.setdefault(verb, []).append(table)
    return refused


def _harmless(table: sa.Table) -> Iterable[tuple[str, sa.Executable]]:
    column, nothing = next(iter(table.primary_key)), sa.false()
    yield "SELECT from", sa.select(column).where(nothing)
    yield "INSERT into", sa.insert(table).from_select(list(table.columns), sa.select(table).where(nothing))
    yield "UPDATE", sa.update(table).where(nothing).values({column: column})
    yield "DELETE from", sa.delete(table).where(nothing)


def _may(connection: Connection, statement: sa.Executable) -> bool:
    try:
        connection.execute(statement)
    except exc.OperationalError as error:
        if error.orig is not None and error.orig.args[0] in mysql.DENIED:
            return False
        raise
    return True
