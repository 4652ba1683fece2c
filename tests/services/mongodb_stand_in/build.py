"""Builds the stand-in once."""

import os
from pathlib import Path

from tests.services import maven
from tests.services.server import program

HERE = Path(__file__).parent
SOURCES = (HERE / "pom.xml", HERE / "StandIn.java")
HEAP = ("-Xms64m", "-Xmx1g", "-XX:+UseSerialGC")


def command() -> tuple[str, ...] | None:
    """How to run the stand-in, host and port to be added; None if it is not built and cannot be."""
    java = program("java")
    if java is None:
        return None
    folder = built()
    if not folder.exists():
        fetcher, compiler = program("mvn"), program("javac")
        if fetcher is None or compiler is None:
            return None
        build(fetcher, compiler)
    return (java, *HEAP, "-cp", f"{folder}{os.pathsep}{folder / 'libraries' / '*'}", "StandIn")


def built() -> Path:
    """Where the stand-in of these sources is, or will be."""
    return maven.built("mongodb-stand-in", SOURCES)


def build(fetcher: str, compiler: str) -> None:
    """Fetch its libraries and compile it. Raises BuildFailed."""

    def make(folder: Path) -> None:
        libraries = folder / "libraries"
        maven.fetch(fetcher, HERE / "pom.xml", libraries)
        maven.run(compiler, "-d", str(folder), "-cp", f"{libraries}/*", str(HERE / "StandIn.java"))

    maven.build(built(), make)
