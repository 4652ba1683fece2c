"""Keys of the HTTP API: who may do what. Only their hashes are kept."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from attrs import field, frozen

from domain.errors import ConfigurationError, InvalidValueError

PREFIX = "pk_"
"""What every key begins with, so that scanners for secrets find one that has got into a repository or a log."""
SECRET_BYTES = 32
FINGERPRINT_DIGITS = 8
ONE_LINE = "shop-frontend:ingest,read:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
"""What the line of a key looks like."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(rf"\b{PREFIX}[0-9a-f]{{{2 * SECRET_BYTES}}}\b")


class Scope(StrEnum):
    """What a key opens. None includes another."""

    INGEST = "ingest"
    """To record events, and to take them back."""
    READ = "read"
    """To read what a user is into, and why."""
    ADMIN = "admin"
    """To see queues and metrics."""


@frozen(kw_only=True)
class ApiKey:
    """What is kept of a key.

    The digest is the SHA-256 of the key, without salt and without repetition. That is right for these keys and would be
    wrong for passwords: a slow hash makes guessing dear where guesses are few, and 256 random bits cannot be guessed at
    any price. A fast one costs a request a microsecond, and is nothing to tire the server with.
    """

    name: str
    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)
    place: str = field(default="", eq=False)
    """Where its line stands; empty for one that has none yet."""

    @property
    def fingerprint(self) -> str:
        """The first 8 digits of the hash: enough to tell keys of one name apart, and to search a file for."""
        return self.digest.hex()[:FINGERPRINT_DIGITS]

    @property
    def line(self) -> str:
        """The line to store."""
        return f"{self.name}:{','.join(sorted(self.scopes))}:{self.digest.hex()}"


@frozen(kw_only=True)
class ApiKeys:
    """All keys that open something."""

    keys: tuple[ApiKey, ...]

    def find(self, presented: str) -> ApiKey | None:
        """The key that somebody presents; None if there is none like it. Takes as long whichever it is."""
        digest = digest_of(presented)
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def digest_of(key: str) -> bytes:
    """What is kept of a key: 32 bytes."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()


def keys_in(text: str) -> frozenset[str]:
    """All keys that stand anywhere in a text."""
    return frozenset(_KEY.findall(text))


def new_key(name: str, scopes: Iterable[Scope], secret: bytes) -> tuple[str, ApiKey]:
    """A key, to be shown once, and what to keep of it.

    Parameters
    ----------
    name : whose key it is: 1 to 64 letters, digits, dots, dashes and underscores. Several keys may share one, so that
        a new one can be handed out before the old one is removed; they share a rate limit, too.
    scopes : what it opens, one or more.
    secret : 32 random bytes that nobody else knows.

    Raises InvalidValueError.
    """
    if not _NAME.fullmatch(name):
        raise InvalidValueError(
            "name", f"is {name[:64]!r}", "choose 1 to 64 letters, digits, dots, dashes and underscores"
        )
    chosen = frozenset(scopes)
    if not chosen:
        raise InvalidValueError("scope", "is missing", f"choose some of {', '.join(Scope)}")
    if len(secret) != SECRET_BYTES:
        raise InvalidValueError("secret", f"has {len(secret)} bytes", f"take {SECRET_BYTES} random ones")
    key = PREFIX + secret.hex()
    return key, ApiKey(name=name, scopes=chosen, digest=digest_of(key))


def parse_keys(lines: Mapping[str, str]) -> ApiKeys:
    """The keys of some lines, by where each line stands. Empty ones and those that begin with # are skipped.

    Raises ConfigurationError that names the place, and never shows the line: it may hold a key by mistake. A hash that
    comes twice is an error: to take one of its lines away would revoke nothing.
    """
    found: dict[bytes, ApiKey] = {}
    for where, line in lines.items():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key = _key(where, text)
        if key.digest in found:
            first = found[key.digest].place
            text = (
                f"{first}, and {where} have the same hash: to take out one would not revoke the key. Keep one of them."
            )
            raise ConfigurationError(text)
        found[key.digest] = key
    return ApiKeys(keys=tuple(found.values()))


def _key(where: str, text: str) -> ApiKey:
    if text.count(":") != 2:
        raise ConfigurationError(
            f"{where} is not NAME:SCOPES:HASH, such as {ONE_LINE}; `penchant keys new` prints one."
        )
    name, scopes, digest = text.split(":")
    if not _NAME.fullmatch(name):
        text = "has a name of other characters than letters, digits, dots, dashes and underscores, or of more than 64."
        raise ConfigurationError(f"{where} {text}")
    unknown = set(scopes.split(",")).difference(Scope)
    if unknown:
        raise ConfigurationError(f"{where} has scopes that are none; there are {', '.join(Scope)}, divided by commas.")
    if digest.startswith(PREFIX):
        raise ConfigurationError(f"{where} has a key where its hash belongs. That key is spent: make a new one.")
    if not _DIGEST.fullmatch(digest):
        raise ConfigurationError(f"{where} does not end in a hash, 64 of 0-9 and a-f; `penchant keys new` prints one.")
    scopes_of_key = frozenset(map(Scope, scopes.split(",")))
    return ApiKey(name=name, scopes=scopes_of_key, digest=bytes.fromhex(digest), place=where)
