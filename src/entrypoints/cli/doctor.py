"""`penchant doctor`."""

import typer
from attrs import asdict
from rich.markup import escape
from rich.table import Table

from application.ports.examinable import Finding, Health
from entrypoints.cli.output import Json, out, print_json
from entrypoints.cli.wiring import unchecked
from entrypoints.doctor import examine

_MARKS = {Health.OK: "[green]✓[/green]", Health.WARNING: "[yellow]![/yellow]", Health.FAILED: "[red]✗[/red]"}


def doctor(as_json: Json = False) -> None:
    """Examine everything that is configured: each server, its version, speed, rights and contents, and the recipe.

    Says what to do about whatever is wrong. Changes nothing. Exit code 1 if something failed; warnings are none.

    Example:

      penchant doctor
    """
    with unchecked() as container:
        findings = examine(container)
    failed = sum(finding.health is Health.FAILED for finding in findings)
    warnings = sum(finding.health is Health.WARNING for finding in findings)
    if as_json:
        print_json({"failed": failed, "warnings": warnings, "findings": [asdict(finding) for finding in findings]})
    else:
        out.print(_table(findings))
        if failed or warnings:
            out.print(f"[bold]{failed} failed, {warnings} warnings[/bold]")
        else:
            out.print("[bold green]All is well.[/bold green]")
    raise typer.Exit(1 if failed else 0)


def _table(findings: list[Finding]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "part", "looked at", "found"):
        shown.add_column(column, overflow="fold")
    before = ""
    for finding in findings:
        text = escape(finding.text) + (f"\n[dim]→ {escape(finding.remedy)}[/dim]" if finding.remedy else "")
        shown.add_row(
            _MARKS[finding.health], escape(finding.part) if finding.part != before else "", finding.subject, text
        )
        before = finding.part
    return shown
