"""Holds what is locked against the known vulnerabilities: `python -m tests.dependency_audit`, which `make lint` calls.

A vulnerability is a failure, unless audit-ignore.txt has it with a reason. Where nobody can be asked (no network, or an
index that knows of none) that is one loud line and no failure.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

ROOT = Path(__file__).parents[1]
LOCK, IGNORED = ROOT / "requirements.lock", ROOT / "audit-ignore.txt"
TIMEOUT_SECONDS = 120


@frozen(kw_only=True)
class Verdict:
    """What an audit has come to."""

    found: list[str]
    """Vulnerabilities that nobody has decided to live with."""
    not_audited: int
    """Packages about which nobody knew anything."""
    packages: int

    @property
    def text(self) -> str:
        """For people."""
        if self.found:
            return "VULNERABLE: " + "; ".join(self.found) + f". Upgrade (make lock), or say why not in {IGNORED.name}."
        if self.not_audited or not self.packages:
            which = f"{self.not_audited} of {self.packages} packages" if self.packages else "THE PACKAGES"
            return f"NOT AUDITED: {which}, because nobody could be asked for their vulnerabilities from here."
        return f"No vulnerability is known of {self.packages} packages."


def judge(report: Mapping[str, Any], ignored: Mapping[str, str]) -> Verdict:
    """The verdict on a report of pip-audit in JSON; `ignored` has the reason by the id of a vulnerability."""
    packages = report["dependencies"]
    found = [
        f"{package['name']} {package['version']} has {vulnerability['id']}"
        for package in packages
        for vulnerability in package.get("vulns", ())
        if not {vulnerability["id"], *vulnerability.get("aliases", ())} & set(ignored)
    ]
    return Verdict(
        found=found, not_audited=sum("skip_reason" in package for package in packages), packages=len(packages)
    )


def ignored_in(text: str) -> Mapping[str, str]:
    """The ids in a list of ignored ones, each with its reason. Raises ValueError where a reason is missing."""
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines:
        if len(line) == 1:
            raise ValueError(f"{IGNORED.name}: {line[0]} has no reason")
    return {line[0]: line[1] for line in lines}


def main() -> int:
    """Audit; return the exit code."""
    ignored = ignored_in(IGNORED.read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--require-hashes"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        report = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        report = {"dependencies": []}
    verdict = judge(report, ignored)
    print(verdict.text)  # noqa: T201
    return int(bool(verdict.found))


if __name__ == "__main__":
    sys.exit(main())
