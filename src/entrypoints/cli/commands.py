"""The commands and where they are. Each is loaded when it is asked for: none need wait for what the others import."""

from collections import UserDict
from functools import cache
from importlib import import_module
from inspect import cleandoc
from typing import Any

import typer
from typer.core import TyperGroup

PLACES = {
    "demo": "demo:demo",
    "record": "recording:record",
    "recommend": "recommendations:recommend",
    "similar": "recommendations:similar",
    "evaluate": "evaluate:evaluate",
    "tune": "tune:tune",
    "verify": "verification:verify",
    "rebuild": "maintenance:rebuild",
    "catch-up": "maintenance:catch_up",
    "replay": "replay:replay",
    "serve": "serve:serve",
    "worker": "workers:worker",
    "relay": "workers:relay",
    "stop-workers": "workers:stop_workers",
    "stats": "stats:stats",
    "setup": "maintenance:setup",
    "doctor": "doctor:doctor",
    "events": "events:events",
    "products": "catalogue:products",
    "profile": "profile:profile",
    "failed": "failed:failed",
    "recipe": "recipe:recipe",
    "keys": "keys:keys",
    "config": "configuration:config",
}
"""Module and attribute, a function or a group of commands, in the order of the help."""


class Commands(TyperGroup):
    """The program's own group."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Loaded(PLACES)


class _Loaded(UserDict[str, Any]):
    """The command of each name, made of its place when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return _load(name, super().__getitem__(name))


@cache
def _load(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"entrypoints.cli.{module}"), attribute)
    parent = typer.Typer()
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
        _reflow_help(found)
    else:
        parent.command(name)(found)
        _reflow_help(parent)
    return typer.main.get_group(parent).commands[name]


def _reflow_help(group: typer.Typer) -> None:
    """Let the terminal wrap the paragraphs of the docstrings, not the width of our source; indented lines stay."""
    for command in group.registered_commands:
        paragraphs = cleandoc(command.callback.__doc__ or "" if command.callback else "").split("\n\n")
        command.help = "\n\n".join(p if p.startswith(" ") else " ".join(p.split("\n")) for p in paragraphs)
