"""Well-formed requests that want what nobody gets: other sites, methods and paths, and what every answer says."""

from collections.abc import Iterator

import pytest

from tests.integration.http_api import Api
from tests.integration.raw_http import (
    alone,
    answer_of,
    assert_serves,
    connected,
    others_are_served_afterwards,  # noqa: F401
    request,
)

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Those that OWASP's REST Security Cheat Sheet asks of an API; Strict-Transport-Security is for who speaks TLS."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with alone(tmp_path_factory.mktemp("requests")) as api:
        yield api


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/openapi.json", 200),
        ("POST", "/events", 415),
        ("GET", "/api/user/nobody/embedding", 404),
        ("OPTIONS", "/events", 405),
        ("GET", "/" + "a" * 40_000, 431),
    ],
)
def test_every_answer_has_the_headers_of_an_api_for_programs_only(
    api: Api, method: str, path: str, status: int
) -> None:
    wish = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}

    answer = api.client.request(method, path, headers=wish)

    assert answer.status_code == status
    assert {name: answer.headers.get_list(name) for name in HEADERS} == {name: [HEADERS[name]] for name in HEADERS}
    assert not [
        name for name in answer.headers if name.startswith("access-control-") or name in ("server", "x-powered-by")
    ]


@pytest.mark.parametrize(
    "host",
    ["Host: evil.example", "Host: evil.example:8080", "Host: localhost.evil.example", "Host: 127.0.0.1.evil.example",
     "Host: 192.168.0.1", "Host: 0.0.0.0", "Host: localhost@evil.example", "Host: [::1", "Host:", "X-None: 1",
     "Host: localhost\nHost: evil.example"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/health", "/metrics", "/api/user/ann/explain"])
def test_a_site_whose_name_leads_to_this_machine_gets_nothing_where_no_key_is_needed(
    api: Api, path: str, host: str
) -> None:
    with connected(api) as connection:
        connection.sendall(request(f"GET {path} HTTP/1.1\n{host}\n"))
        answer = answer_of(connection)

    assert (answer.status, answer.kind) == (421, "host")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"])
def test_this_machine_may_be_called_by_all_of_its_own_names(api: Api, host: str) -> None:
    with connected(api) as connection:
        connection.sendall(request(f"GET /health HTTP/1.1\nHost: {host}\n"))

        assert answer_of(connection).status == 200


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(api: Api, method: str) -> None:
    answer = api.client.request(method, "/events")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/user/../../health", 404),
        ("/../../etc/passwd", 404),
        ("//health", 404),
        ("/%2e%2e/health", 404),
        ("/api/user/%2e%2e/product/mug/view", 405),
        ("/api/user/%2e%2e/explain", 404),
        ("/api/user/%2F..%2Fbob/explain", 404),
        ("/api/user/ann%2Fexplain", 404),
        ("/api/user/%00/explain", 404),
        ("/api/user/%C0%AF/explain", 422),
        ("/api/user/%E0%80%AF/explain", 422),
        ("/api/user/%ED%A0%80/explain", 422),
        ("/api/user/%F4%90%80%80/explain", 422),
        ("/api/user/%FF%FE/explain", 422),
        ("/api/user/%/explain", 404),
        ("/api/user/%252e/explain", 404),
        ("/api/user/\\..\\bob/explain", 404),
        ("/api/user/ann;admin=1/explain", 404),
        ("/api/user/" + "%41" * 129 + "/explain", 422),
        ("http://elsewhere/api/user/ann/nothing", 404),
        ("*", 404),
    ],
)
def test_tricks_in_paths_reach_nothing(api: Api, path: str, status: int) -> None:
    with connected(api) as connection:
        connection.sendall(request(f"GET {path} HTTP/1.1\nHost: localhost\n"))
        assert_serves(api)

        answer = answer_of(connection)

    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
