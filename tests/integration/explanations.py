"""What the program says when it cannot go on."""

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from tests.integration.program import Outcome


def assert_explains(outcome: Outcome, setting: str, url: str) -> None:
    """Fail unless standard error is one paragraph that names the setting and the host, and not the password."""
    text, parts = outcome.stderr, urlsplit(url)
    assert text.startswith("penchant: "), text
    assert text.count("\n") == 1, text
    assert setting in text
    assert parts.hostname is None or parts.hostname in text, text
    assert "Traceback" not in outcome.stdout + text
    assert parts.password is None or unquote(parts.password) not in outcome.stdout + text


def assert_not_in(texts: Iterable[str], secrets: Iterable[str]) -> None:
    """Fail if any line of these texts holds one of these."""
    lines = [line for text in texts for line in text.splitlines()]
    for secret in secrets:
        found = [line for line in lines if secret in line]
        assert not found, f"{secret!r} was printed {len(found)} times, such as in {found[0]}"
