"""The program `penchant`: loads the command line, and says what holds when it is interrupted, even while loading."""

import sys

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    try:
        from entrypoints.cli import main as run  # half a second, in which somebody may press Ctrl-C

        run()
    except KeyboardInterrupt:
        _say_what_holds()
        sys.exit(EXIT_INTERRUPTED)
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:
            _say_what_holds()
        raise


def _say_what_holds() -> None:
    sys.stderr.write("\nStopped; nothing is lost: run it again.\n")


if __name__ == "__main__":
    main()
