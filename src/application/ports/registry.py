"""The registry: the few named facts about a log that are kept beside it, such as its active recipe."""

from typing import Protocol


class Registry(Protocol):
    """Names and texts. All calls raise TransientError when it cannot be reached."""

    def get(self, name: str) -> str | None:
        """The text under this name, if there is one."""

    def set_if_absent(self, name: str, text: str) -> str:
        """Keep `text` under this name unless there is one already; return what is kept."""

    def replace(self, name: str, expected: str | None, text: str) -> bool:
        """Keep `text` under this name if `expected` is there (None: nothing); return whether that was so.

        Of several that expect the same, one succeeds.
        """

    def set(self, name: str, text: str) -> None:
        """Keep `text` under this name."""
