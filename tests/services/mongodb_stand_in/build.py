"""Builds the stand-in once, into build/services."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from tests.services.server import program

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / "build" / "services"
SOURCES = (HERE / "pom.xml", HERE / "StandIn.java")
HEAP = ("-Xms64m", "-Xmx1g", "-XX:+UseSerialGC")


class BuildFailed(Exception):  # noqa: N818  what happened
    """Maven or the compiler did not do their part."""


def command() -> tuple[str, ...] | None:
    """How to run the stand-in, host and port to be added; None if it is not built and cannot be."""
    java = program("java")
    if java is None:
        return None
    folder = built()
    if not folder.exists():
        maven, compiler = program("mvn"), program("javac")
        if maven is None or compiler is None:
            return None
        build(maven, compiler)
    return (java, *HEAP, "-cp", f"{folder}{os.pathsep}{folder / 'libraries' / '*'}", "StandIn")


def built() -> Path:
    """Where the stand-in of these sources is, or will be."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()
    return CACHE / f"mongodb-stand-in-{digest[:12]}"


def build(maven: str, compiler: str) -> None:
    """Fetch its libraries and compile it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as parent:
        folder = Path(parent) / "stand-in"  # renamed when it is complete: several runs may build at once
        libraries = folder / "libraries"
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={libraries}")
        _run(maven, "-B", "-q", "-f", str(HERE / "pom.xml"), *goal)
        _run(compiler, "-d", str(folder), "-cp", f"{libraries}/*", str(HERE / "StandIn.java"))
        if not built().exists():
            folder.rename(built())


def _run(*arguments: str) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
