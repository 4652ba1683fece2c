"""The program `penchant`: what holds for all of its commands, and how its errors look."""

import gc
import os
import sys
from typing import Annotated

import typer

from domain.errors import NotSetUpError, PenchantError, TransientError
from entrypoints.cli.commands import Commands

EXIT_FAILED = 1
EXIT_USAGE = 2

app = typer.Typer(
    name="penchant",
    help="One live vector per user that says what the user is into now, exact and rebuildable from the log.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"penchant {version('penchant')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the program. Exit code 0; 1 a check or the work failed; 2 wrong usage, input or configuration."""
    # Batches are thousands of small objects without cycles; looking through them so often would cost a quarter.
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    except PenchantError as error:
        if os.environ.get("PENCHANT_DEBUG"):
            raise
        _print_error(str(error))
        # A supervisor starts again what ends with 1, and what meets tables in the middle of an upgrade works later.
        sys.exit(EXIT_FAILED if isinstance(error, TransientError | NotSetUpError) else EXIT_USAGE)
    except OSError as error:
        what = error.filename if error.filename is not None else "the output cannot be written"
        _print_error(f"{what}: {error.strerror or error}")
        sys.exit(EXIT_FAILED)


def _print_error(text: str) -> None:
    from rich.markup import escape

    from entrypoints.cli.output import err  # as the commands load it: --version need not

    err.print(f"[bold red]penchant:[/bold red] {escape(text)}", soft_wrap=True)
