"""Settings: all that can be set, checked and frozen."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from entrypoints.addresses import without_password
from entrypoints.blend_settings import BlendSettings
from entrypoints.http_settings import HttpSettings
from entrypoints.recipe_settings import RecipeSettings
from entrypoints.secret_files import SecretFiles
from entrypoints.server_settings import ServerSettings
from entrypoints.work_settings import WorkSettings


class Settings(HttpSettings, WorkSettings, BlendSettings, RecipeSettings, ServerSettings, BaseSettings):
    """What can be set, each by the environment variable named beside it. The fields of the last base come first."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As pydantic-settings asks for it: the environment, and the files that it names."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, SecretFiles(settings_cls)

    def shown(self, name: str) -> str:
        """The value of a field as people may see it: without keys and passwords."""
        value = getattr(self, name)
        if value is None:
            return ""
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if name.endswith("_url"):
            return without_password(text)
        return "***" if isinstance(value, SecretStr) else text
