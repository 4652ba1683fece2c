"""The questions of docs/graph.md: what stands there, and a small shop that they are asked about."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.documents import ROOT, Document
from tests.integration.graph_production import GraphProduction

PAGE = Document(path=ROOT / "docs" / "graph.md")


def commands(section: str) -> Sequence[Sequence[str]]:
    """The commands of the program in a section, each without its comment."""
    lines = (line.partition(" #")[0].split() for line in PAGE.blocks("sh", section).splitlines())
    return [words[1:] for words in lines if words[:1] == ["penchant"]]


def answers(shop: GraphProduction, question: str, **parameters: Any) -> Sequence[Mapping[str, Any]]:
    """What the query under that heading returns, its times without their clock."""
    found = shop.ask(PAGE.blocks("cypher", question), **parameters)
    return [{name: _day(value) for name, value in record.items()} for record in found]


def done(*deeds: str) -> Sequence[Mapping[str, Any]]:
    """The messages of deeds such as "17850 view tea 05-01", a day of 2026."""
    return [
        {
            "message_id": f"asked-{number}",
            "user_id": user_id,
            "event_type": event_type,
            "product_id": product_id,
            "occurred_at": f"2026-{day}T12:00:00Z",
        }
        for number, (user_id, event_type, product_id, day) in enumerate(deed.split() for deed in deeds)
    ]


def _day(value: Any) -> Any:
    return value.iso_format()[5:10] if hasattr(value, "iso_format") else value
