"""Secrets in files: DATABASE_URL_FILE names a file with what DATABASE_URL would hold. Containers are given them so."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from domain.errors import ConfigurationError

SUFFIX = "_FILE"


def files_of(fields: Mapping[str, FieldInfo]) -> dict[str, str]:
    """By the name of each secret field, the variable that names its file; none where that is a setting of its own."""
    taken = {variable for field in fields.values() for variable in _variables_of(field)}
    files = {
        name: _variables_of(field)[0] + SUFFIX for name, field in fields.items() if field.annotation == SecretStr | None
    }
    return {name: file for name, file in files.items() if file not in taken}


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets whose files are named in the environment.

    Raises ConfigurationError where a file cannot be read or is empty, and where the variable itself is set as well.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not asked for: `__call__` reads all at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        named = {name: variable for name, variable in files_of(fields).items() if os.environ.get(variable)}
        return {_variables_of(fields[name])[0]: _secret(variable) for name, variable in named.items()}


def _secret(variable: str) -> str:
    alone, path = variable.removesuffix(SUFFIX), os.environ[variable]
    if os.environ.get(alone):
        raise ConfigurationError(f"{alone} and {variable} are both set. Unset one of them.")
    try:
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"{variable} names {path}, which cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{variable} names {path}, which is not UTF-8.") from error
    if not secret:
        raise ConfigurationError(f"{variable} names {path}, which is empty. Write the secret into it.")
    return secret


def _variables_of(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []
