"""What has changed, so that it outlives the process.

Local mode's own storage commits every point to SQLite by itself: some hundred points a second. Here a change is one
line of a file, written before it is answered, and all are done again at the start.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote


class Journal:
    """A file of changes. What a kill cut short was never answered, and is forgotten."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("a+b", buffering=0)

    def read(self) -> Iterator[tuple[str, str, bytes]]:
        """All changes: what was done, to which collection, and the body of the request."""
        self._file.seek(0)
        whole = 0
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                kind, name, body = line.removesuffix(b"\n").split(b"\t", 2)
                yield kind.decode(), unquote(name.decode()), body
        os.truncate(self._file.fileno(), whole)

    def write(self, kind: str, name: str, body: bytes) -> None:
        """Add a change. JSON has line breaks between its parts only, where a space is as good."""
        line = b"\t".join((kind.encode(), quote(name, safe="").encode(), body.replace(b"\n", b" ")))
        self._file.write(line + b"\n")

    def clear(self) -> None:
        """Forget everything."""
        os.truncate(self._file.fileno(), 0)
