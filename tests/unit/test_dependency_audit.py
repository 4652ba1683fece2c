"""The audit of dependencies: what fails, what is only told, and what somebody has decided to live with."""

from typing import Any

import pytest

from tests.dependency_audit import IGNORED, ignored_in, judge

FAULT = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.0"], "description": "bad"}


def report(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(packages), "fixes": []}


def package(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {"name": "kombu", "version": "1.0", "vulns": list(vulnerabilities)}


def test_a_known_vulnerability_is_found_and_named() -> None:
    verdict = judge(report(package(), package(FAULT)), {})

    assert verdict.found == ["kombu 1.0 has PYSEC-2026-1"]
    assert verdict.text.startswith("VULNERABLE: kombu 1.0 has PYSEC-2026-1.")


@pytest.mark.parametrize("name", ["PYSEC-2026-1", "CVE-2026-1"])
def test_one_that_is_ignored_by_either_of_its_names_is_none(name: str) -> None:
    assert judge(report(package(FAULT)), {name: "we do not call it"}).found == []


def test_what_nobody_knows_is_told_loudly() -> None:
    unknown = {"name": "attrs", "version": "1", "skip_reason": "not found"}

    assert judge(report(package(), unknown), {}).text.startswith("NOT AUDITED: 1 of 2 packages")
    assert judge(report(), {}).text.startswith("NOT AUDITED: THE PACKAGES")
    assert judge(report(package()), {}).text == "No vulnerability is known of 1 packages."


def test_each_that_is_ignored_has_a_reason() -> None:
    assert ignored_in("# why\n\nCVE-1 we do not call it\n") == {"CVE-1": "we do not call it"}
    with pytest.raises(ValueError, match="CVE-2 has no reason"):
        ignored_in("CVE-1 because\nCVE-2\n")


def test_the_list_in_the_repository_can_be_read() -> None:
    assert ignored_in(IGNORED.read_text(encoding="utf-8")) is not None
