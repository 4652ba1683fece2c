"""`penchant keys`."""

import secrets
import sys
from typing import Annotated

import typer

from application.api_keys import SECRET_BYTES, ApiKey, ApiKeys, Scope, keys_in, new_key
from domain.errors import ConfigurationError, InvalidValueError
from entrypoints.cli.output import Json, err, out, print_json, table
from entrypoints.cli.wiring import unchecked
from entrypoints.keys import keys_of

OPEN = "No keys are set: everything is open to who reaches the API, and it serves this machine only."
NONE_SET = (
    "Neither PENCHANT_API_KEYS nor PENCHANT_API_KEYS_FILE is set here, so that no key can be found. "
    "Set the one that the API has; without any keys everything is open."
)

keys = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)


@keys.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Annotated[list[Scope], typer.Option(help="What it opens; may be given several times.")],
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once; what is stored is a line with its hash.

    Put the line into the file that PENCHANT_API_KEYS_FILE names, or into PENCHANT_API_KEYS, and give the key to who is
    to use it. Nothing is changed here. To revoke a key, take its line out of the file again;
    docs/security.md says where the API has to be restarted for that.

    Example:

      penchant keys new shop-frontend --scope ingest --scope read
    """
    key, kept = new_key(name, scope, secrets.token_bytes(SECRET_BYTES))
    if as_json:
        print_json({"name": kept.name, "scopes": sorted(kept.scopes), "key": key, "line": kept.line})
        return
    err.print("The key, for who uses it; nobody can show it again:")
    out.print(key, soft_wrap=True)
    err.print("The line to store:")
    out.print(kept.line, soft_wrap=True)


@keys.command("check")
def check(as_json: Json = False) -> None:
    """List the keys that count: name, scopes, where each stands, and how its hash begins.

    Exit code 2 if a line is broken, with its place.

    Example:

      penchant keys check
    """
    found = _keys_that_are_set()
    listed = [_told(key) for key in found.keys] if found is not None else []
    if as_json:
        print_json({"open": found is None, "keys": listed})
    elif found is None:
        out.print(OPEN)
    else:
        rows = [(key.name, ", ".join(sorted(key.scopes)), key.place, key.fingerprint) for key in found.keys]
        out.print(table(f"{len(rows)} keys", ("name", "scopes", "place", "hash"), rows))


@keys.command("find")
def find(as_json: Json = False) -> None:
    """Say where the line of a key stands, such as of one that has leaked. Exit code 1 if it is none that counts.

    The key is read from standard input, or asked for: arguments are seen by everybody on the machine. Anything may
    stand around it, such as the line that `penchant keys new` prints below it.

    Example:

      penchant keys find < key.txt
    """
    found = _keys_that_are_set()
    if found is None:
        raise ConfigurationError(NONE_SET)
    key = found.find(_presented())
    if as_json:
        print_json({"found": _told(key) if key is not None else None})
    elif key is None:
        out.print("No key that counts here is this one: it has been revoked, or it is for another installation.")
    else:
        text = f"{key.place}: {key.name}, for {', '.join(sorted(key.scopes))}; its hash begins with {key.fingerprint}."
        out.print(text, soft_wrap=True, markup=False)
    raise typer.Exit(0 if key is not None else 1)


def _presented() -> str:
    presented = keys_in(_asked_for())
    if len(presented) != 1:
        problem = f"is one of {len(presented)} in the input" if presented else "is missing in the input"
        raise InvalidValueError("key", problem, "send one, pk_ and 64 of 0-9 and a-f: penchant keys find < key.txt")
    return next(iter(presented))


def _asked_for() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("The key", hide_input=True, err=True))
    return sys.stdin.buffer.read().decode(errors="replace")


def _keys_that_are_set() -> ApiKeys | None:
    with unchecked() as container:  # which also warns of misspelt variables
        return keys_of(container.settings())


def _told(key: ApiKey) -> dict[str, object]:
    return {"name": key.name, "scopes": sorted(key.scopes), "place": key.place, "hash": key.fingerprint}
