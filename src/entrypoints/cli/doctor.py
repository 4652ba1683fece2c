"""`penchant doctor`."""

import os

import typer
from attrs import asdict
from rich.text import Text

from application.ports.examinable import Finding, Health
from entrypoints.cli.output import Json, out, print_json, print_paragraph
from entrypoints.cli.wiring import unchecked
from entrypoints.doctor import examine
from entrypoints.variables import strange_variables

_MARKS = {Health.OK: "[green]✓[/green]", Health.WARNING: "[yellow]![/yellow]", Health.FAILED: "[red]✗[/red]"}


def doctor(as_json: Json = False) -> None:
    """Examine everything that is configured: each server, its version, speed, rights and contents, and the recipe.

    Says what it looks at, and what to do about whatever is wrong. Changes nothing. Exit code 1 if something failed;
    warnings are none, and that nothing has been set up yet is one.

    Example:

      penchant doctor
    """
    with unchecked() as container:
        findings = examine(container, strange_variables(os.environ))
    failed = sum(finding.health is Health.FAILED for finding in findings)
    warnings = sum(finding.health is Health.WARNING for finding in findings)
    if as_json:
        print_json({"failed": failed, "warnings": warnings, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
        if failed or warnings:
            out.print(f"[bold]{failed} failed, {warnings} warnings[/bold]")
        else:
            out.print("[bold green]All is well.[/bold green]")
    raise typer.Exit(1 if failed else 0)


def _print(findings: list[Finding]) -> None:
    """Part by part, in lines and not in columns, so that addresses stay whole."""
    before = ""
    for finding in findings:
        if finding.part != before:
            out.print(Text(finding.part, style="bold"))
        before = finding.part
        print_paragraph(f"{finding.subject}: {finding.text}", _MARKS[finding.health], indent=2)
        if finding.remedy:
            print_paragraph(f"→ {finding.remedy}", indent=4, style="dim")
