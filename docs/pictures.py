"""Draws the picture of the README: runs `penchant demo` in an empty folder and keeps what it prints as SVG."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

WIDTH = 108
PICTURE = Path(__file__).parent / "demo.svg"


def main() -> None:
    """Run the demo and write the picture."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"PENCHANT_HOME": home, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm"}
        program = Path(sys.executable).with_name("penchant")
        search_path = f"{program.parent}{os.pathsep}{environment['PATH']}"
        run = subprocess.run(  # noqa: S603  # our own program
            [program, "demo"], env=environment | {"PATH": search_path}, capture_output=True, check=True, text=True
        )
    console = Console(record=True, width=WIDTH, file=Path(os.devnull).open("w"))  # noqa: SIM115  # ends with us
    console.print(Text.from_ansi(run.stdout))
    svg = console.export_svg(title="penchant demo")
    PICTURE.write_text(_FONT_FACE.sub("", svg))  # a picture should not fetch anything


if __name__ == "__main__":
    main()
