"""Writes the contracts again; with `--release` also their copies in released/."""

import sys
from pathlib import Path

from docs.contracts.documents import FOLDER, RELEASED, documents, text_of


def write(folder: Path) -> None:
    """Write all documents into a folder."""
    for name, document in documents().items():
        (folder / name).write_text(text_of(document), encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
    if "--release" in sys.argv[1:]:
        write(RELEASED)
