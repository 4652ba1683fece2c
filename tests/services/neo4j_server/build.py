"""Fetches the server once."""

from pathlib import Path

from tests.services import maven
from tests.services.server import program

POM = Path(__file__).with_name("pom.xml")
HEAP = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC")
MAIN = "org.neo4j.server.CommunityEntryPoint"


def command() -> tuple[str, ...] | None:
    """How to run the server, its folders to be added; None if it is not here and cannot be fetched."""
    java = program("java")
    if java is None:
        return None
    if not built().exists():
        fetcher = program("mvn")
        if fetcher is None:
            return None
        build(fetcher)
    return (java, *HEAP, "-cp", str(built() / "*"), MAIN)


def built() -> Path:
    """Where the server is, or will be."""
    return maven.built("neo4j", [POM])


def build(fetcher: str) -> None:
    """Fetch it. Raises BuildFailed."""
    maven.build(built(), lambda folder: maven.fetch(fetcher, POM, folder))
