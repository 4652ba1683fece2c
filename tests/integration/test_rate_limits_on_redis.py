"""A Redis that is there and does not let this user count: the journal says what has to be mended."""

from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.integration.http_api import refusals_of_redis, serving, starting
from tests.integration.production import search
from tests.integration.program import Program
from tests.services.redis import RedisServer
from tests.services.server import Origin

SECRET = "hidden-pass"  # noqa: S105  # of a user that is made here


def _told(program: Program, url: str) -> str:
    """What the journal is told by a first request."""
    with serving(starting(program), REDIS_URL=url, PENCHANT_RATE_LIMIT_PER_USER="9000/day") as api:
        api.post("/events", search("1", "ann", "tea")).raise_for_status()
        (sentence,) = refusals_of_redis(api)
    return sentence


def _with_user(url: str, user: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{SECRET}@{parts.hostname}:{parts.port}"))


@pytest.mark.parametrize("rights", ["+@connection", "+@connection +eval"])
def test_a_user_without_the_rights_is_named_as_the_reason(
    program: Program, redis_server: RedisServer, redis_url: str, rights: str
) -> None:
    if redis_server.origin == Origin.ENVIRONMENT:
        pytest.skip("a server of the environment is not ours to configure")
    with redis_server.connect() as client:
        client.execute_command(*f"ACL SETUSER powerless on >{SECRET} ~penchant:* {rights}".split())
        try:
            sentence = _told(program, _with_user(redis_url, "powerless"))
        finally:
            client.acl_deluser("powerless")

    assert "does not permit the user in REDIS_URL" in sentence
    assert "out of reach" not in sentence


def test_a_wrong_password_is_named_as_the_reason(program: Program, redis_url: str) -> None:
    assert "correct them in REDIS_URL" in _told(program, _with_user(redis_url, "nobody"))
