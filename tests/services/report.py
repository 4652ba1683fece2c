"""What ran on what: the tables at the end of a test run."""

import io
from collections.abc import Callable, Generator
from typing import Any

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


UNKNOWN = "?"
NEEDS, SUBJECT, SERVERS = "servers needed", "subject", "servers"
"""Under which names processes that run tests tell this to the one that prints the tables."""


@define(eq=False)
class Report:
    """Counts tests by server and by adapter, and prints that at the end. A plugin of pytest's.

    The tests may run in other processes (pytest-xdist), so everything goes by reports, as text.
    """

    _servers: Servers
    _needs: dict[str, frozenset[str]] = field(factory=dict, init=False)
    _subjects: dict[str, Subject] = field(factory=dict, init=False)
    _outcomes: dict[str, str] = field(factory=dict, init=False)
    _found: dict[str, tuple[str, str, str]] = field(factory=dict, init=False)
    """What each kind of server ran on: origin, version, and why there is none."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write into the report which servers the test needs, and what it is about."""
        report = yield
        if report.when == "setup":
            report.user_properties.append((NEEDS, sorted(kind.name for kind in servers_of(item))))
            if (subject := subject_of(item)) is not None:
                report.user_properties.append((SUBJECT, (subject.port, subject.adapter)))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how each phase of a test ended."""
        told = dict(report.user_properties)
        if report.when == "setup":
            self._needs[report.nodeid] = frozenset(told[NEEDS])
            if SUBJECT in told:
                port, adapter = told[SUBJECT]
                self._subjects[report.nodeid] = Subject(port=port, adapter=adapter)
        if not report.passed or report.when == "call":
            self._outcomes[report.nodeid] = _worse(self._outcomes.get(report.nodeid), report.outcome)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell what there was, here or to the process that prints."""
        found = {kind.name: _described(server) for kind in KINDS if (server := self._servers.found(kind)) is not None}
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[SERVERS] = found
        else:
            self._found.update(found)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A process that ran tests has ended: take what it tells."""
        told = getattr(node, "workeroutput", {}).get(SERVERS, {})
        for name, (origin, version, cause) in told.items():
            if version != UNKNOWN or name not in self._found:  # one process may not have asked the server
                self._found[name] = (origin, version, cause)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, if any test needed a server or belongs to a port."""
        out = Console(file=io.StringIO(), width=WIDTH, force_terminal=terminalreporter.hasmarkup, highlight=False)
        if any(self._needs.values()):
            out.print(self._servers_table())
            for name, (_, _, cause) in self._found.items():
                if cause:
                    tally = self._tally(name)
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
        for name in (kind.name for kind in KINDS if kind.name in self._found):
            origin, version, _ = self._found[name]
            style = "bold red" if not version else "yellow" if origin.startswith(Origin.STAND_IN.upper()) else ""
            table.add_row(name, Text(origin, style=style), version, *_cells(self._tally(name)))
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
        text = Text(f"{subject.adapter} {tally.passed}".strip())
        if tally.failed:
            text.append(f" ({tally.failed} FAILED)", style="bold red")
        if tally.skipped:
            text.append(f" ({tally.skipped} skipped)", style="yellow")
        return text

    def _tally(self, name: str) -> Tally:
        return self._count(lambda test: name in self._needs[test])

    def _count(self, belongs: Callable[[str], bool]) -> Tally:
        tally = Tally()
        for test, outcome in self._outcomes.items():
            if belongs(test):
                tally.add(outcome)
        return tally


def _worse(one: str | None, other: str) -> str:
    order = ("passed", "skipped", "failed")
    return max(one if one is not None else "passed", other, key=order.index)


def _described(server: Server | Exception) -> tuple[str, str, str]:
    """What it ran on, its version, and why there is none."""
    if isinstance(server, Unavailable):
        return "nothing", "", str(server)
    if not isinstance(server, Server):
        return "did not start", "", ""
    if server.origin == Origin.STAND_IN:
        return f"{Origin.STAND_IN.upper()}: {server.stand_in}", server.version, ""
    return str(server.origin), server.version, ""


def _cells(tally: Tally) -> tuple[str, Text, Text]:
    failed = Text(str(tally.failed), style="bold red" if tally.failed else "")
    return str(tally.passed), failed, Text(str(tally.skipped), style="yellow" if tally.skipped else "")
