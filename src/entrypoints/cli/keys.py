"""`penchant keys`."""

import secrets
from typing import Annotated

import typer

from application.api_keys import SECRET_BYTES, Scope, new_key
from entrypoints.cli.output import Json, err, out, print_json, table
from entrypoints.keys import keys_of
from entrypoints.variables import load_settings

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
    """List the keys that count, by name and scopes. Exit code 2 if a line is broken, with its place.

    Example:

      penchant keys check
    """
    found = keys_of(load_settings())
    listed = [{"name": key.name, "scopes": sorted(key.scopes)} for key in found.keys] if found is not None else []
    if as_json:
        print_json({"open": found is None, "keys": listed})
    elif found is None:
        out.print("No keys are set: everything is open to who reaches the API, and it serves this machine only.")
    else:
        rows = [(key.name, ", ".join(sorted(key.scopes))) for key in found.keys]
        out.print(table(f"{len(rows)} keys", ("name", "scopes"), rows))
