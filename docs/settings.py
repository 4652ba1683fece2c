"""Writes the table of all environment variables, docs/settings.md, from the settings themselves."""

from pathlib import Path

from pydantic.fields import FieldInfo

from entrypoints.settings import Settings
from entrypoints.variables import FILES, VARIABLES

DOCUMENT = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# Settings

Everything is set by environment variables, read once when a command starts. An empty variable is as good as none.
`penchant config show` lists all of them with their values here; a name that looks like one of these and is none is
warned of. What is secret is shown nowhere. [From a laptop to servers](production.md) says which to set together.

In place of a secret, a file that holds it and nothing else may be named:
{files}.
Both at once are refused, and so is a file that cannot be read or is empty. It is read when a process starts.

| Variable | What it does | Default | Example |
|---|---|---|---|
"""


def markdown() -> str:
    """The document. Run this file (`make docs`) to write it again; a test holds it against the settings."""
    files = ", ".join(FILES.values())
    return INTRODUCTION.format(files=files) + "".join(
        _row(name, field) for name, field in Settings.model_fields.items()
    )


def _row(name: str, field: FieldInfo) -> str:
    variable, *others = VARIABLES[name]
    also = f" (or {', '.join(others)})" if others else ""
    default = "" if field.default_factory is not None or field.default is None else f"`{_plain(field.default)}`"
    example = _plain(field.examples[0] if field.examples else field.default)
    return f"| {variable}{also} | {field.description} | {default} | `{example}` |\n"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    DOCUMENT.write_text(markdown(), encoding="utf-8")
