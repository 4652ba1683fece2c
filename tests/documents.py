"""What stands in the documents: headings, links, and blocks of code."""

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


@frozen(kw_only=True)
class Block:
    """A block of code in its section."""

    section: str
    language: str
    text: str


@frozen(kw_only=True)
class Document:
    """A page of Markdown."""

    path: Path

    @property
    def _lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    def blocks(self, language: str, section: str | None = None) -> str:
        """All blocks of a language, one after the other; of one section, or of the whole page.

        Raises LookupError where there is none.
        """
        found = [b.text for b in self._blocks() if b.language == language and section in (None, b.section)]
        if not found:
            raise LookupError(f"{self.path.name} has no {language} in {section or 'any section'}")
        return "\n".join(found)

    @property
    def anchors(self) -> set[str]:
        """What a link to a heading of this page may end in, as GitHub makes it."""
        headings = (_HEADING.match(line) for line in self._prose())
        return {_anchor(heading[2]) for heading in headings if heading is not None}

    @property
    def links(self) -> list[str]:
        """The targets of all links and pictures."""
        return [first or second for line in self._prose() for first, second in _LINK.findall(line)]

    def _prose(self) -> Iterator[str]:
        inside = False
        for line in self._lines:
            if _FENCE.match(line):
                inside = not inside
            elif not inside:
                yield line

    def _blocks(self) -> Iterator[Block]:
        section, language, text = "", None, list[str]()
        for line in self._lines:
            fence, heading = _FENCE.match(line), _HEADING.match(line)
            if fence is not None and language is None:
                language, text = fence[1], []
            elif fence is not None:
                yield Block(section=section, language=language or "", text="\n".join(text))
                language = None
            elif language is not None:
                text.append(line)
            elif heading is not None:
                section = heading[2]


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
    return kept.replace(" ", "-")
