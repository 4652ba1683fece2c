"""Which model at which address: what the settings say, checked before anything is asked."""

from urllib.parse import urlsplit

from attrs import field, frozen

from domain.errors import ConfigurationError

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "text-embedding-3-small"
NATIVE_DIMENSIONS = {"text-embedding-3-small": 1_536, "text-embedding-3-large": 3_072, "text-embedding-ada-002": 1_536}
SHORTENED = {"text-embedding-3-small", "text-embedding-3-large"}
"""Models that shorten their vectors on request."""


@frozen(kw_only=True)
class Endpoint:
    """An embedding model and where it is.

    Parameters
    ----------
    dimensions : length of its vectors.
    asked_dimensions : the length that it is asked to shorten its vectors to; None where they are its own.
    address : the base URL without what may be secret in it.
    """

    api_key: str = field(repr=False)
    base_url: str = field(repr=False)
    address: str
    model: str
    dimensions: int
    asked_dimensions: int | None

    @classmethod
    def of(cls, api_key: str, base_url: str | None, model: str, dimensions: int | None) -> "Endpoint":
        """The endpoint of these settings.

        Raises
        ------
        ConfigurationError : a key, address or length that cannot work; the text names the setting.
        """
        url = base_url if base_url is not None else DEFAULT_BASE_URL
        length = _checked_dimensions(model, dimensions)
        shortened = model in SHORTENED and length < NATIVE_DIMENSIONS[model]
        return cls(
            api_key=_checked_key(api_key),
            base_url=url,
            address=_address_of(url),
            model=model,
            dimensions=length,
            asked_dimensions=length if shortened else None,
        )


def _checked_key(key: str) -> str:
    # Here, because the client would quote the key in its error.
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            "OPENAI_API_KEY is empty or holds characters that no key has, such as a blank or a line break. "
            "Copy the key again."
        )
    return key


def _address_of(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"OPENAI_BASE_URL is no address of a service; set one such as {DEFAULT_BASE_URL}.")
    return f"{parts.scheme}://{host}{f':{port}' if port is not None else ''}{parts.path}"


def _checked_dimensions(model: str, dimensions: int | None) -> int:
    native = NATIVE_DIMENSIONS.get(model)
    length = dimensions if dimensions is not None else native
    if length is None:
        raise ConfigurationError(
            f"How long the vectors of {model} (OPENAI_EMBEDDING_MODEL) are is not known here; "
            f"set PENCHANT_EMBEDDING_DIMENSIONS."
        )
    if model in SHORTENED and not 1 <= length <= NATIVE_DIMENSIONS[model]:
        can = f"1 to {native}"
    elif model not in SHORTENED and native is not None and length != native:
        can = f"{native} and no others"
    elif length < 1:
        can = "1 or more"
    else:
        return length
    raise ConfigurationError(
        f"PENCHANT_EMBEDDING_DIMENSIONS is {length}, and {model} can have {can}. Correct it, or unset it for its own."
    )
