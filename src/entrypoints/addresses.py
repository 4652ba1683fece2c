"""Addresses as settings hold them: what people may see of one, and what one names besides."""

import re
from urllib.parse import unquote

FOR_USERS_ONLY = "admin"
"""The database of MongoDB in which users are looked up, and which is not for data."""

PATHS = ("sqlite:", "unix:")
"""What begins so names a file, whose name may have any character."""


def without_password(url: str) -> str:
    """The URL as people may see it: without its password, and without its query, which may hold keys."""
    # All up to the last @, and the query only then: what is no good URL may have ? or / in its password.
    address, _, query = re.sub(r"(://[^:]*):.*@", r"\1:***@", url, flags=re.DOTALL).partition("?")
    return address + ("?…" if query else "")


def has_stray_at(url: str) -> bool:
    """Whether there is an @ behind the hosts of a URL, or of several with semicolons between them.

    Then user or password hold an unescaped / ? or #, where some drivers end the hosts: they would go to the first part
    of the password for a server, and name it in their errors.
    """
    parts = re.split(r";(?=\w+://)", url)
    behind = [re.sub(r"^\w[\w+]*://[^/?#]+", "", part) for part in parts if not part.startswith(PATHS)]
    return any("@" in rest for rest in behind)


def database_named_in(mongodb_url: str) -> str:
    """The database in the path of a MongoDB URL; empty where there is none, or only the one for users."""
    hosts_and_path = mongodb_url.partition("?")[0].partition("://")[2].rpartition("@")[2]
    name = unquote(hosts_and_path.partition("/")[2]).partition(".")[0]
    return "" if name == FOR_USERS_ONLY else name
