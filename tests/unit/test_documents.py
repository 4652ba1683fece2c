"""The documents hold together: links lead somewhere, and what they quote is what the program says."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.documents import ROOT, Document

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUNBOOK = ROOT / "docs" / "operations.md"
ALERTS = (
    "QueueDepthHigh",
    "FreshnessSlow",
    "FailedRatioHigh",
    "SuccessRatioLow",
    "DeadLetters",
    "OldestEventTooOld",
    "WorkerRestarts",
    "NoWorker",
)
GAP = "…"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    broken = [link for link in Document(path=page).links if not _leads_somewhere(page, link)]

    assert broken == []


def test_a_link_to_nothing_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading, here\n[good](#a-heading-here) [gone](gone.md) ![lost](#lost)\n```\n[code](x.md)\n```\n"
    )

    assert [link for link in Document(path=page).links if not _leads_somewhere(page, link)] == ["gone.md", "#lost"]


@pytest.mark.parametrize("alert", ALERTS)
def test_the_runbook_has_a_section_for_each_alert(alert: str) -> None:
    assert alert.lower() in Document(path=RUNBOOK).anchors


def test_all_guides_are_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in Document(path=page).links}
        ahead += [target for target in targets - reached if target.suffix == ".md" and target.is_file()]

    assert [path.name for path in (ROOT / "docs").glob("*.md") if path not in reached] == []


def test_the_sentences_of_troubleshooting_are_those_of_the_program() -> None:
    said = _texts_of_the_program()
    quoted = _quoted_symptoms(ROOT / "docs" / "troubleshooting.md")

    assert len(quoted) > 20
    assert [sentence for sentence in quoted if sentence not in said] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    if "://" in link or link.startswith("mailto:"):
        return True  # elsewhere: not for a test that needs no network
    name, _, anchor = link.partition("#")
    target = (page.parent / unquote(name)).resolve() if name else page
    return target.exists() and (not anchor or anchor in Document(path=target).anchors)


def _quoted_symptoms(page: Path) -> list[str]:
    """What stands in the first column of the tables as a sentence: of three words or more."""
    columns = [line.split("|")[1] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    quoted = [sentence for column in columns for sentence in re.findall(r"`([^`]+)`", column)]
    return [sentence for sentence in quoted if sentence.count(" ") >= 2 and not sentence.startswith("penchant ")]


def _texts_of_the_program() -> str:
    """All texts of the source, with a gap for whatever is filled in."""
    found = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(p.value if isinstance(p, ast.Constant) else GAP for p in node.values))  # type: ignore[misc]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)
