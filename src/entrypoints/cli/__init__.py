"""The command line. `main` is the program `penchant`."""

from entrypoints.cli.app import main

__all__ = ["main"]
