"""The program `penchant`: its commands, and how its errors look."""

import gc
import os
import sys
from importlib.metadata import version
from inspect import cleandoc
from typing import Annotated

import typer

from domain.errors import NotSetUpError, PenchantError, TransientError
from entrypoints.cli import maintenance, profile, recommendations, recording, verification, workers
from entrypoints.cli.catalogue import products
from entrypoints.cli.configuration import config
from entrypoints.cli.demo import demo
from entrypoints.cli.doctor import doctor
from entrypoints.cli.evaluate import evaluate
from entrypoints.cli.failed import failed
from entrypoints.cli.generate import generate
from entrypoints.cli.keys import keys
from entrypoints.cli.output import err
from entrypoints.cli.recipe import recipe
from entrypoints.cli.replay import replay
from entrypoints.cli.serve import serve
from entrypoints.cli.stats import stats

EXIT_FAILED = 1
EXIT_USAGE = 2

app = typer.Typer(
    name="penchant",
    help="One live vector per user that says what the user is into now, exact and rebuildable from the log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(demo)
app.command()(recording.record)
app.command()(recommendations.recommend)
app.command()(recommendations.similar)
app.command()(evaluate)
app.command()(verification.verify)
app.command()(maintenance.rebuild)
app.command("catch-up")(maintenance.catch_up)
app.command()(replay)
app.command()(serve)
app.command()(workers.worker)
app.command()(workers.relay)
app.command("stop-workers")(workers.stop_workers)
app.command()(stats)
app.command()(maintenance.setup)
app.command()(doctor)
recording.events.command("generate")(generate)

GROUPS = {
    "events": recording.events,
    "products": products,
    "profile": profile.profile,
    "failed": failed,
    "recipe": recipe,
    "keys": keys,
    "config": config,
}
for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)


def _reflow_help(*groups: typer.Typer) -> None:
    """Let the terminal wrap the paragraphs of the docstrings, not the width of our source; indented lines stay."""
    for command in (command for group in groups for command in group.registered_commands):
        paragraphs = cleandoc(command.callback.__doc__ or "" if command.callback else "").split("\n\n")
        command.help = "\n\n".join(p if p.startswith(" ") else " ".join(p.split("\n")) for p in paragraphs)


_reflow_help(app, *GROUPS.values())


def _print_version(wanted: bool) -> None:
    if wanted:
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
        err.print(f"[bold red]penchant:[/bold red] {_escaped(error)}", soft_wrap=True)
        # A supervisor starts again what ends with 1, and what meets tables in the middle of an upgrade works later.
        sys.exit(EXIT_FAILED if isinstance(error, TransientError | NotSetUpError) else EXIT_USAGE)
    except OSError as error:
        what = error.filename if error.filename is not None else "the output cannot be written"
        err.print(f"[bold red]penchant:[/bold red] {what}: {error.strerror or error}", soft_wrap=True)
        sys.exit(EXIT_FAILED)


def _escaped(error: PenchantError) -> str:
    from rich.markup import escape

    return escape(str(error))
