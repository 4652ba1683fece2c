"""What ran on what: the tables at the end of a test run."""

import io
from collections.abc import Callable, Generator

import pytest
from attrs import define, field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.services.needs import Subject, servers_of, subject_of
from tests.services.server import Origin, Server, Unavailable
from tests.services.servers import KINDS, Servers

WIDTH = 110


@define
class Tally:
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, outcome: str) -> None:
        """Count a test."""
        setattr(self, outcome, getattr(self, outcome) + 1)


@define(eq=False)
class Report:
    """Counts tests by server and by adapter, and prints that at the end. A plugin of pytest's."""

    _servers: Servers
    _needs: dict[str, frozenset[type[Server]]] = field(factory=dict, init=False)
    _subjects: dict[str, Subject] = field(factory=dict, init=False)
    _outcomes: dict[str, str] = field(factory=dict, init=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note how each phase of a test ended."""
        report = yield
        if report.when == "setup":
            self._needs[item.nodeid] = servers_of(item)
            if (subject := subject_of(item)) is not None:
                self._subjects[item.nodeid] = subject
        if not report.passed or report.when == "call":
            self._outcomes[item.nodeid] = _worse(self._outcomes.get(item.nodeid), report.outcome)
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, if any test needed a server or belongs to a port."""
        out = Console(file=io.StringIO(), width=WIDTH, force_terminal=terminalreporter.hasmarkup, highlight=False)
        if any(self._needs.values()):
            out.print(self._servers_table())
            for kind in KINDS:
                if isinstance(cause := self._servers.found(kind), Unavailable):
                    tally = self._tally(kind)
                    sentence = f"{tally.skipped + tally.failed} TESTS COULD NOT RUN: {cause}"
                    out.print(Text(sentence, style="bold red"), soft_wrap=True)
        if self._subjects:
            out.print(self._ports_table())
        assert isinstance(out.file, io.StringIO)
        terminalreporter.write(out.file.getvalue())

    def _servers_table(self) -> Table:
        table = Table("server", "ran on", "version", title="What the tests ran on", title_justify="left")
        for heading in ("passed", "failed", "skipped"):
            table.add_column(heading, justify="right")
        for kind in KINDS:
            tally, server = self._tally(kind), self._servers.found(kind)
            if server is not None:
                origin, version = _described(server)
                table.add_row(kind.name, origin, version, *_cells(tally))
        without = self._count(lambda test: not self._needs[test])
        table.add_row("none", "embedded or in memory", "", *_cells(without))
        return table

    def _ports_table(self) -> Table:
        table = Table("port", "adapters: tests passed", title="Contract suites", title_justify="left")
        for port in sorted({subject.port for subject in self._subjects.values()}):
            adapters = dict.fromkeys(s.adapter for s in self._subjects.values() if s.port == port)
            parts = [self._adapter_text(Subject(port=port, adapter=adapter)) for adapter in adapters]
            table.add_row(port, Text(", ").join(parts))
        return table

    def _adapter_text(self, subject: Subject) -> Text:
        tally = self._count(lambda test: self._subjects.get(test) == subject)
        text = Text(f"{subject.adapter} {tally.passed}" if subject.adapter else f"{tally.passed} of none")
        if tally.failed:
            text.append(f" ({tally.failed} FAILED)", style="bold red")
        if tally.skipped:
            text.append(f" ({tally.skipped} skipped)", style="yellow")
        return text

    def _tally(self, kind: type[Server]) -> Tally:
        return self._count(lambda test: kind in self._needs[test])

    def _count(self, belongs: Callable[[str], bool]) -> Tally:
        tally = Tally()
        for test, outcome in self._outcomes.items():
            if belongs(test):
                tally.add(outcome)
        return tally


def _worse(one: str | None, other: str) -> str:
    order = ("passed", "skipped", "failed")
    return max(one if one is not None else "passed", other, key=order.index)


def _described(server: Server | Exception) -> tuple[Text, str]:
    if isinstance(server, Unavailable):
        return Text("nothing", style="bold red"), ""
    if not isinstance(server, Server):
        return Text("did not start", style="bold red"), ""
    if server.origin == Origin.STAND_IN:
        return Text(f"STAND-IN: {server.stand_in}", style="yellow"), server.version
    return Text(server.origin), server.version


def _cells(tally: Tally) -> tuple[str, Text, Text]:
    failed = Text(str(tally.failed), style="bold red" if tally.failed else "")
    return str(tally.passed), failed, Text(str(tally.skipped), style="yellow" if tally.skipped else "")
