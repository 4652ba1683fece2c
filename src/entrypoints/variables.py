"""The environment variables: which field of the settings each one sets, and those that set nothing."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from attrs import frozen
from pydantic import AliasChoices, SecretStr, ValidationError

from domain.errors import ConfigurationError
from entrypoints.secret_files import files_of
from entrypoints.settings import Settings

PREFIX = "PENCHANT_"

NO_SETTINGS = frozenset({"PENCHANT_DEBUG", "PENCHANT_SUPERVISED"})
"""Ours as well, though they set nothing that can be configured."""
OF_TESTS = "PENCHANT_TEST_"

OTHER_NAMES = {
    "RABBITMQ_URL": "RABBITMQ_DSN",
    "MONGO_URL": "MONGODB_URL",
    "MONGODB_DSN": "MONGODB_URL",
    "MYSQL_URL": "DATABASE_URL",
    "MYSQL_DSN": "DATABASE_URL",
    "DATABASE_DSN": "DATABASE_URL",
    "REDIS_DSN": "REDIS_URL",
    "OPENAI_KEY": "OPENAI_API_KEY",
}
"""What people write who know it from elsewhere, too far from our names to be found by likeness."""

ALMOST_THE_SAME = 0.9
"""Likeness above which a name is a misspelling of ours: RABBITMQ_HOST or MONGODB_USER of other programs are below."""
LIKE = 0.6
"""The same for names that can only be meant for us."""


@frozen(kw_only=True)
class StrangeVariable:
    """A variable that is set and sets nothing here."""

    name: str
    meant: str | None
    """The one of ours that it resembles."""

    def __str__(self) -> str:
        hint = (
            f"did you mean {self.meant}?" if self.meant is not None else "`penchant config show` lists those that do."
        )
        return f"The environment variable {self.name} sets nothing; {hint}"


def variable_of(name: str) -> str:
    """The environment variable of a field of Settings."""
    return _variables_of(name)[0]


def load_settings() -> Settings:
    """Read the environment.

    Raises ConfigurationError that names the variable, its value's problem and an example.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        variable = str(first["loc"][0])
        value = "" if variable in SECRETS else f" is {str(first.get('input'))[:40]!r}"
        raise ConfigurationError(
            f"{variable}{value}: {_plain(first['msg'])}. Correct or unset it{_example_of(variable)}."
        ) from error


def _plain(message: str) -> str:
    """What is wrong, as it goes on within a sentence."""
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _example_of(variable: str) -> str:
    examples = next(
        (Settings.model_fields[field].examples for field, ours in VARIABLES.items() if variable in ours), None
    )
    return f"; it looks like {examples[0]}" if examples else ""


def strange_variables(names: Iterable[str]) -> Sequence[StrangeVariable]:
    """Those of these variables that somebody seems to have meant for Penchant, and that set nothing.

    A name outside PENCHANT_* may be another program's: it counts only while the one of ours that it resembles is unset.
    """
    given = {name.upper() for name in names}
    set_here = {field for field, ours in VARIABLES.items() if given.intersection((*ours, FILES.get(field)))}
    strange = []
    for name in sorted(given.difference(NO_SETTINGS, FILES.values(), *VARIABLES.values())):
        is_for_us = name.startswith(PREFIX) and not name.startswith(OF_TESTS)
        field = _resembled(name, LIKE if is_for_us else ALMOST_THE_SAME)
        if is_for_us or (field is not None and field not in set_here):
            strange.append(StrangeVariable(name=name, meant=variable_of(field) if field is not None else None))
    return strange


def _resembled(name: str, likeness: float) -> str | None:
    """The field whose variable is most like this name. What all of ours begin with tells nothing."""
    if name in OTHER_NAMES:
        name = OTHER_NAMES[name]
    prefix = PREFIX if name.startswith(PREFIX) else ""
    field_of = {variable.removeprefix(prefix): field for field, ours in VARIABLES.items() for variable in ours}
    close = get_close_matches(name.removeprefix(prefix), field_of, 1, likeness)
    return field_of[close[0]] if close else None


def _variables_of(name: str) -> Sequence[str]:
    alias = Settings.model_fields[name].validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [name]


VARIABLES = {name: tuple(_variables_of(name)) for name in Settings.model_fields}
"""By field, the one that we name first."""

FILES = files_of(Settings.model_fields)
"""By secret field, the variable that may name a file in its place."""

SECRETS = frozenset(
    variable_of(name) for name, field in Settings.model_fields.items() if field.annotation == SecretStr | None
)
"""Variables whose values nobody may see."""
