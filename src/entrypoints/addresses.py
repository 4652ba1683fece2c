"""Addresses as settings hold them: what people may see of one, and what one names besides."""

import re
from urllib.parse import unquote

FOR_USERS_ONLY = "admin"
"""The database of MongoDB in which users are looked up, and which is not for data."""


def without_password(url: str) -> str:
    """The URL as people may see it: without its password, and without its query, which may hold keys."""
    address, _, query = url.partition("?")
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", address) + ("?…" if query else "")


def database_named_in(mongodb_url: str) -> str:
    """The database in the path of a MongoDB URL; empty where there is none, or only the one for users."""
    hosts_and_path = mongodb_url.partition("?")[0].partition("://")[2].rpartition("@")[2]
    name = unquote(hosts_and_path.partition("/")[2]).partition(".")[0]
    return "" if name == FOR_USERS_ONLY else name
