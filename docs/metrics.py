"""Writes the table of all metrics, docs/metrics.md, from their declarations."""

from collections.abc import Sequence
from pathlib import Path

from adapters.prometheus.table import MEASURED, STATES, SUPERVISED, Metric

DOCUMENT = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# Metrics

What Prometheus can read: from the API at `GET /metrics` (where keys are set, with one of the scope admin), and from
`penchant worker --metrics-port 9101` and `penchant relay --metrics-port 9102` at any path. With --concurrency the
process above the workers shows the sum of them. `penchant stats --watch` shows what is on its way in a terminal.

Beside these there are Prometheus' own `process_*` (memory, CPU, start) of the process that is asked, and a `*_created`
for each counter and histogram.

[deploy/prometheus](../deploy/prometheus) has the scrapes and the alerts, [operations.md](operations.md) what to do when
one fires, [deploy/grafana](../deploy/grafana) a dashboard: its queries are tested against these names, and Prometheus
has run them; Grafana itself has not shown it yet.
"""

STATES_TEXT = """\
Read from the servers when Prometheus asks, at most every five seconds. Every process shows the same: take the maximum.
A part that is out of reach, or does not answer within two seconds, is 0 in `penchant_up`, and what only it knows is
left out."""

SECTIONS = (
    ("What happens", "Counted in the process that it happens in: add them up.", MEASURED),
    ("Above several workers", "Shown by `penchant worker --concurrency` with --metrics-port.", SUPERVISED),
    ("What there is", STATES_TEXT, STATES),
)


def markdown() -> str:
    """The document. Run this file (`make docs`) to write it again; a test holds it against the declarations."""
    return INTRODUCTION + "".join(_section(*section) for section in SECTIONS)


def _section(title: str, text: str, metrics: Sequence[Metric]) -> str:
    rows = "".join(map(_row, metrics))
    return f"\n## {title}\n\n{text}\n\n| Metric | Kind | Labels | What it says |\n|---|---|---|---|\n{rows}"


def _row(metric: Metric) -> str:
    labels = "; ".join(name + (f": {', '.join(values)}" if values else "") for name, values in metric.labels.items())
    buckets = f" Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)}." if metric.buckets else ""
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help}{buckets} |\n"


if __name__ == "__main__":
    DOCUMENT.write_text(markdown(), encoding="utf-8")
