"""Keys of the HTTP API, against the real process: who is let in, and who is not."""

import json
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from attrs import frozen

from application.api_keys import Scope
from tests.integration.http_api import Api, serving, starting
from tests.integration.program import Outcome, Program
from tests.services.ports import free_port

SEARCH = {"user_id": "ann", "event_type": "search", "search_phrase": "a mug"}
ROUTES = [
    ("POST", "/events", "ingest"),
    ("POST", "/events/batch", "ingest"),
    ("POST", "/api/user/ann/search", "ingest"),
    ("POST", "/api/user/ann/product/mug/view", "ingest"),
    ("POST", "/api/user/ann/events/e1/retract", "ingest"),
    ("GET", "/api/user/ann/embedding", "read"),
    ("GET", "/api/user/ann/recommendations", "read"),
    ("GET", "/api/user/ann/explain", "read"),
    ("GET", "/rabbitmq/health", "admin"),
    ("GET", "/metrics", "admin"),
]
PATIENCE_SECONDS = 30
OPEN = ["/health", "/ready", "/openapi.json"]
LET_IN = (200, 202, 404, 422)
"""What a route answers to whom it lets in, if there is nothing to find and nothing was sent."""


@frozen(kw_only=True)
class Guarded:
    """An API with a key for each scope."""

    api: Api
    keys: Mapping[str, str]
    lines: Mapping[str, str]
    file: Path

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.client.request(method, path, headers=named)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("keys")
    program = Program(home=folder / "home", folder=folder)
    made = {scope: program.ok("keys", "new", scope, "--scope", scope, "--json").json for scope in Scope}
    lines = {scope: key["line"] for scope, key in made.items()}
    file = folder / "api_keys"
    file.write_text("".join(f"{line}\n" for line in lines.values()))
    with serving(starting(program), PENCHANT_API_KEYS_FILE=str(file)) as api:
        yield Guarded(api=api, keys={scope: key["key"] for scope, key in made.items()}, lines=lines, file=file)


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_without_a_key_nothing_is_answered(guarded: Guarded, method: str, path: str, scope: str) -> None:
    answer = guarded.ask(method, path)

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:penchant:problem:no-key")
    assert answer.headers["www-authenticate"] == 'Bearer realm="penchant"'
    assert scope


def test_a_key_in_a_form_of_its_own_is_refused_as_such(guarded: Guarded) -> None:
    key = guarded.keys["read"]
    forms = (key, f"Basic {key}", "Bearer", "")

    answers = [guarded.ask("GET", "/api/user/ann/explain", Authorization=form) for form in forms]

    told = ("urn:penchant:problem:no-key", "Authorization is not of the form Bearer KEY.")
    assert [(answer.json()["type"], answer.json()["detail"]) for answer in answers] == [told] * len(forms)


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_a_key_opens_what_it_is_for_and_nothing_else(guarded: Guarded, method: str, path: str, scope: str) -> None:
    for of_key, key in guarded.keys.items():
        answer = guarded.ask(method, path, Authorization=f"Bearer {key}")
        if of_key == scope:
            assert answer.status_code in (*LET_IN, 415)
        else:
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:penchant:problem:scope")
            assert f'scope="{scope}"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("key", ["pk_" + "0" * 64, "é", "a b"])
def test_an_unknown_key_is_refused_and_not_repeated(guarded: Guarded, key: str) -> None:
    answer = guarded.api.client.post("/events", headers={"Authorization": f"Bearer {key}".encode()})

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:penchant:problem:unknown-key")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert key not in answer.text


def test_who_has_no_key_is_refused_before_a_body_comes(guarded: Guarded) -> None:
    address = urlsplit(guarded.api.url)
    head = b"POST /events HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head)  # and nothing of the body

        assert connection.recv(1_024).startswith(b"HTTP/1.1 401 ")


def test_the_other_header_is_as_good(guarded: Guarded) -> None:
    answer = guarded.api.client.post("/events", json=SEARCH, headers={"X-API-Key": guarded.keys["ingest"]})

    assert answer.status_code == 202


def test_probes_and_the_description_need_no_key(guarded: Guarded) -> None:
    assert [guarded.ask("GET", path).status_code for path in OPEN] == [200] * len(OPEN)


def test_a_key_is_revoked_by_taking_its_line_away_while_others_are_served(guarded: Guarded) -> None:
    ingest, read = (f"Bearer {guarded.keys[scope]}" for scope in ("ingest", "read"))
    all_lines = guarded.file.read_text()
    assert guarded.ask("GET", "/api/user/ann/explain", Authorization=read).status_code in LET_IN

    guarded.file.write_text(all_lines.replace(guarded.lines["read"], ""))

    assert guarded.ask("GET", "/api/user/ann/explain", Authorization=read).status_code == 401
    assert guarded.ask("POST", "/api/user/ann/product/mug/view", Authorization=ingest).status_code == 202
    guarded.file.write_text(all_lines)
    assert guarded.ask("GET", "/api/user/ann/explain", Authorization=read).status_code in LET_IN


def test_a_file_that_breaks_is_seen_by_prometheus_while_the_keys_as_they_were_count_on(guarded: Guarded) -> None:
    admin, read = (f"Bearer {guarded.keys[scope]}" for scope in ("admin", "read"))
    all_lines = guarded.file.read_text()

    def broken() -> str:
        text = guarded.ask("GET", "/metrics", Authorization=admin).text
        [line] = [line for line in text.splitlines() if line.startswith("penchant_api_keys_broken")]
        return line.split()[1]

    assert broken() == "0.0"
    guarded.file.write_text(all_lines.replace(guarded.lines["read"], guarded.lines["ingest"]))
    assert broken() == "1.0"
    assert guarded.ask("GET", "/api/user/ann/explain", Authorization=read).status_code in LET_IN
    guarded.file.write_text(all_lines.replace(guarded.lines["read"], ""))
    assert guarded.ask("GET", "/api/user/ann/explain", Authorization=read).status_code == 401
    assert broken() == "0.0"
    guarded.file.write_text(all_lines)


def test_refusals_are_counted_by_the_name_of_the_key(guarded: Guarded) -> None:
    admin, ingest = guarded.keys["admin"], guarded.keys["ingest"]
    events = [SEARCH, {**SEARCH, "event_type": "gaze"}, "nothing"]

    def counted(kind: str, name: str) -> int:
        text = guarded.ask("GET", "/metrics", X_API_Key=admin).text
        found = re.search(rf'penchant_http_problems_total{{key="{name}",kind="{kind}"}} (\d+)', text)
        return int(found[1]) if found is not None else 0

    expected = {("invalid-value", "ingest"): 2, ("media-type", "ingest"): 1, ("scope", "ingest"): 1, ("no-key", ""): 1}
    before = {kind: counted(*kind) for kind in expected}
    guarded.api.client.post("/events/batch", json=events, headers={"X-API-Key": ingest})
    guarded.ask("POST", "/events", X_API_Key=ingest)
    guarded.ask("GET", "/metrics", X_API_Key=ingest)
    guarded.ask("GET", "/metrics")

    assert {kind: counted(*kind) - before[kind] for kind in expected} == expected


def test_keys_appear_neither_in_the_journal_nor_in_answers(guarded: Guarded) -> None:
    answers = [guarded.ask("GET", "/metrics", Authorization=f"Bearer {key}") for key in guarded.keys.values()]
    told = guarded.api.process.text + "".join(answer.text for answer in answers)

    assert not [key for key in guarded.keys.values() if key.removeprefix("pk_") in told]
    assert not [line for line in guarded.lines.values() if line.rpartition(":")[2] in told]


def test_the_description_says_which_key_each_route_needs(guarded: Guarded) -> None:
    document = guarded.ask("GET", "/openapi.json").json()

    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
        "x_api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    found = {
        (method.upper(), path): operation.get("security")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert found[("POST", "/events")] == [{"bearer": ["ingest"]}, {"x_api_key": ["ingest"]}]
    assert found[("GET", "/api/user/{user_id}/embedding")] == [{"bearer": ["read"]}, {"x_api_key": ["read"]}]
    assert found[("GET", "/metrics")] == [{"bearer": ["admin"]}, {"x_api_key": ["admin"]}]
    assert {path for (_, path), security in found.items() if security is None} == {"/health", "/ready"}


def test_other_machines_are_served_only_with_keys(program: Program) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "shop.example"):  # noqa: S104  # it is refused
        outcome = program.run("serve", "--host", host)
        assert outcome.code == 2
        assert f"--host {host} is reached by other machines, and no keys are set" in outcome.stderr
        assert "penchant keys new" in outcome.stderr


@pytest.mark.parametrize("misspelt", ["PENCHANT_API_KEY", "PENCHANT_API_KEYS_FIL", "PENCHANT_KEYS_FILE"])
def test_keys_that_were_meant_and_are_not_set_open_nothing(program: Program, misspelt: str) -> None:
    outcome = program.run("serve", "--port", str(free_port()), **{misspelt: "keys"})

    assert outcome.code == 2
    assert misspelt in outcome.stderr


def test_a_broken_line_ends_the_start_with_its_place(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "api_keys"
    file.write_text("# ours\nshop:read\n")

    for arguments in (("serve",), ("keys", "check"), ("keys", "find")):
        outcome = program.run(*arguments, PENCHANT_API_KEYS_FILE=str(file))
        assert outcome.code == 2
        assert f"{file}, line 2 is not NAME:SCOPES:HASH" in outcome.stderr

    examined = program.run("doctor", "--json", PENCHANT_API_KEYS_FILE=str(file))
    [keys] = [finding for finding in examined.json["findings"] if finding["part"] == "API keys"]
    assert (examined.code, keys["health"]) == (1, "failed")
    assert f"{file}, line 2" in keys["text"]


def test_doctor_counts_the_keys_that_are_set_and_finds_nothing_wrong_where_none_are(program: Program) -> None:
    line = program.ok("keys", "new", "shop", "--scope", "read", "--json").json["line"]
    reports = [program.ok("doctor", "--json", **variables).json for variables in ({"PENCHANT_API_KEYS": line}, {})]

    told = [finding for report in reports for finding in report["findings"] if finding["part"] == "API keys"]
    assert [(finding["health"], finding["text"].split()[0]) for finding in told] == [("ok", "1"), ("ok", "None")]


def test_a_new_key_is_shown_once_and_checked_by_name(program: Program) -> None:
    key, line = program.ok("keys", "new", "shop", "--scope", "read", "--scope", "ingest").stdout.splitlines()
    assert key.startswith("pk_")
    assert line.startswith("shop:ingest,read:")

    shown = program.ok("keys", "check", PENCHANT_API_KEYS=line).stdout
    checked = program.ok("keys", "check", "--json", PENCHANT_API_KEYS=line).json
    assert "shop" in shown
    assert line.rpartition(":")[2] not in shown + json.dumps(checked)
    listed = {"name": "shop", "scopes": ["ingest", "read"], "place": "PENCHANT_API_KEYS, key 1"}
    assert checked == {"open": False, "keys": [listed | {"hash": line.rpartition(":")[2][:8]}]}
    assert program.ok("keys", "check", "--json").json == {"open": True, "keys": []}
    assert program.run("keys", "new", "a b", "--scope", "read").code == 2


def test_a_key_that_has_leaked_is_traced_to_its_line(program: Program, tmp_path: Path) -> None:
    made = [program.ok("keys", "new", "shop", "--scope", "read", "--json").json for _ in range(3)]
    file = tmp_path / "api_keys"
    file.write_text("# ours\n" + "".join(f"{key['line']}\n" for key in made[:2]))

    def find(key: str, *arguments: str) -> Outcome:
        return program.run("keys", "find", *arguments, stdin=key, PENCHANT_API_KEYS_FILE=str(file))

    found = find(f"{made[1]['key']}\n")
    assert (found.code, found.stdout.split(":")[0]) == (0, f"{file}, line 3")
    assert find(made[0]["key"], "--json").json["found"]["place"] == f"{file}, line 2"
    assert (find(made[2]["key"]).code, find(made[2]["key"], "--json").json) == (1, {"found": None})
    as_printed = program.ok("keys", "new", "new", "--scope", "read").stdout
    file.write_text(f"{as_printed.splitlines()[1]}\n")
    assert find(as_printed).stdout.startswith(f"{file}, line 1: new, ")


def test_what_is_no_key_and_a_shell_without_keys_are_not_taken_for_a_revoked_key(
    program: Program, tmp_path: Path
) -> None:
    made = [program.ok("keys", "new", "shop", "--scope", "read", "--json").json for _ in range(2)]
    file = tmp_path / "api_keys"
    file.write_text(made[0]["line"])
    several = " ".join(key["key"] for key in made)

    asked = [
        program.run("keys", "find", stdin=text, PENCHANT_API_KEYS_FILE=str(file)) for text in ("nokey", "", several)
    ]
    asked.append(program.run("keys", "find", stdin=made[0]["key"]))

    assert [(outcome.code, outcome.stdout) for outcome in asked] == [(2, "")] * 4
    reasons = ["key is missing", "key is missing", "key is one of 2", "Neither PENCHANT_API_KEYS nor"]
    assert [reason in outcome.stderr for outcome, reason in zip(asked, reasons, strict=True)] == [True] * 4


def test_who_lists_keys_is_warned_of_a_misspelt_variable(program: Program) -> None:
    assert "PENCHANT_API_KEYS_FIL sets nothing" in program.ok("keys", "check", PENCHANT_API_KEYS_FIL="keys").stderr


def test_a_load_is_sent_with_the_key_of_the_environment_which_is_told_nowhere(guarded: Guarded) -> None:
    home = Path(guarded.api.process.environment["PENCHANT_HOME"])
    program = Program(home=home, folder=home.parent)
    program.ok("products", "import", "-", stdin='{"product_id": "mug", "text": "blue mug"}\n')
    load = ("events", "generate", "--events", "5", "--http", guarded.api.url)

    told = program.ok(*load, PENCHANT_CLIENT_KEY=guarded.keys["ingest"]).stdout
    for key, said in ((guarded.keys["read"], "403"), ("é", "is no API key"), ("", "401")):
        refused = program.run(*load, PENCHANT_CLIENT_KEY=key)

        assert refused.code == 2
        assert said in refused.stderr
        assert "PENCHANT_CLIENT_KEY" in refused.stderr
        assert not key or key not in refused.stderr
    assert "5 events accepted" in told
