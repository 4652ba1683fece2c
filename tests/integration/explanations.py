"""What the program says when it cannot go on."""

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
