"""Programs for Node, as others write them: how a test runs one, with libraries that are pinned by their hashes."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from attrs import frozen

from tests.services.server import Unavailable, program

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / "build" / "services"
PINNED = ("package.json", "package-lock.json", ".npmrc")
HOW = "install Node 18 or newer with npm; the first run fetches four small libraries"
TIMEOUT_SECONDS = 120


@frozen(kw_only=True)
class Node:
    """Node and the libraries of its programs."""

    path: str
    libraries: Path

    def command(self, script: str, *arguments: str) -> list[str]:
        """How to run one of the programs in this folder."""
        return [self.path, str(HERE / script), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Where it finds the libraries."""
        return {**os.environ, "NODE_PATH": str(self.libraries)}

    def run(self, script: str, *arguments: str, stdin: str = "") -> str:
        """Run a program to its end, and return what it printed. Fails with its last words."""
        done = subprocess.run(
            self.command(script, *arguments),
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def node() -> Node:
    """Node with its libraries, which are fetched once into build/services. Raises Unavailable."""
    path, npm = program("node"), program("npm")
    if path is None or npm is None:
        raise Unavailable("Node", HOW)
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINNED)).hexdigest()
    folder = CACHE / f"node-{digest[:12]}"
    if not folder.exists():
        _install(npm, folder)
    return Node(path=path, libraries=folder / "node_modules")


def _install(npm: str, folder: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as parent:
        new = Path(parent) / "node"  # renamed when it is complete: several runs may install at once
        new.mkdir()
        for name in PINNED:
            shutil.copy(HERE / name, new)
        _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=new)
        if not folder.exists():
            new.rename(folder)


def _run(*command: str, folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable("Node", f"{HOW}; npm did not end in {TIMEOUT_SECONDS} s") from error
    if done.returncode:
        raise Unavailable("Node", f"{HOW}; npm says: {done.stderr[-500:]}")
