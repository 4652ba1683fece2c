"""`penchant events`."""

import typer

from entrypoints.cli.generate import generate
from entrypoints.cli.recording import import_events

events = typer.Typer(help="Events in files.", no_args_is_help=True)
events.command("import")(import_events)
events.command("generate")(generate)
