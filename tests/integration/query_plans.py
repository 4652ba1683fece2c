"""How a database carries out the statements that the adapters send."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from adapters.sql.database import Database

Send = Callable[[], object]


@frozen(kw_only=True)
class Step:
    """One table in a plan, in the words of MySQL's EXPLAIN."""

    table: str
    access: str
    key: str | None
    rows: int
    extra: str

    @property
    def sorts_or_copies(self) -> bool:
        """Whether rows are sorted, or kept in a table of their own, before the first one comes."""
        return "filesort" in self.extra or "temporary" in self.extra


def plan_of(database: Database, send: Send) -> list[Step]:
    """MySQL's plan of the last SELECT that `send` sends."""
    return [
        Step(
            table=row["table"],
            access=row["type"],
            key=row["key"],
            rows=int(str(row["rows"] or 0).split()[0]),
            extra=row["Extra"] or "",
        )
        for row in _explained(database, send, "EXPLAIN")
    ]


def sqlite_plan_of(database: Database, send: Send) -> list[str]:
    """SQLite's plan of the last SELECT that `send` sends, a line a step."""
    return [row["detail"] for row in _explained(database, send, "EXPLAIN QUERY PLAN")]


def analyze(database: Database, *tables: str) -> None:
    """Let the server count anew what is in these tables, as it does by itself after a while."""
    with database.writing() as connection:
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE TABLE {table}").all()


def _explained(database: Database, send: Send, explain: str) -> Sequence[Mapping[str, Any]]:
    with _sent(database) as statements:
        send()
    statement, parameters = next(s for s in reversed(statements) if s[0].lstrip().startswith("SELECT"))
    with database.reading() as connection:
        return [dict(row) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters).mappings()]


@contextmanager
def _sent(database: Database) -> Iterator[list[tuple[str, Any]]]:
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(database.engine, "before_cursor_execute", note)
