"""PyMySQL's connection, mended for streams of rows that are cut off. Importing this loads the driver."""

from pymysql.connections import Connection  # type: ignore[import-untyped]


class StreamingConnection(Connection):  # type: ignore[misc]  # the driver has no types
    """A connection that takes its stream for ended once it is closed.

    PyMySQL's own lets cursor and result read on from what is closed when they are closed or forgotten themselves, and
    print the tracebacks of that (PyMySQL 1.1, `SSCursor.close` and `MySQLResult.__del__`).
    """

    def _force_close(self) -> None:
        if self._result is not None:
            self._result.unbuffered_active = False
        super()._force_close()
