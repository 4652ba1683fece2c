"""Java programs for the tests, built once into build/services from libraries that Maven fetches."""

import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = Path(__file__).parents[2] / "build" / "services"


class BuildFailed(Exception):  # noqa: N818  what happened
    """Maven or the compiler did not do their part."""


def built(name: str, sources: Sequence[Path]) -> Path:
    """The folder of what was, or will be, made of these sources."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return CACHE / f"{name}-{digest[:12]}"


def build(target: Path, make: Callable[[Path], None]) -> None:
    """Have `make` fill the target. Several runs may build at once: it is renamed when it is complete."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as parent:
        folder = Path(parent) / "made"
        make(folder)
        if not target.exists():
            folder.rename(target)


def fetch(maven: str, pom: Path, libraries: Path) -> None:
    """Put the libraries that a pom.xml names into a folder, with all that they need."""
    run(maven, "-B", "-q", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={libraries}")


def run(*arguments: str) -> None:
    """Run a program. Raises BuildFailed."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
