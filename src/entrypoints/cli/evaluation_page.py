"""The page of an evaluation: one HTML file without scripts, and its picture beside it."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from domain.errors import ConfigurationError
from entrypoints.cli.evaluation_report import TITLES

PAGE, PICTURE = "evaluation.html", "evaluation.png"
BAR, BLEND_BAR = "#7a9cc6", "#c65d2e"

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; margin: 1rem 0 2rem; white-space: nowrap; }
th, td { padding: 0.25rem 0.75rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
td small { color: #666; display: block; }
tr:last-child td { font-weight: 600; }
"""


def write_page(folder: Path, evaluation: Mapping[str, Any]) -> Path:
    """Write page and picture of an evaluation (as JSON has it) into a folder; return the page."""
    try:
        draw(evaluation).savefig(folder / PICTURE, dpi=120, metadata={"Software": None})
        page = folder / PAGE
        page.write_text("\n".join(_html(evaluation)) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}. Choose another --output.") from error
    return page


def draw(evaluation: Mapping[str, Any]) -> Figure:
    """Bars of MRR and of hit rates with their intervals: a row a target, a column a metric."""
    targets = evaluation["targets"]
    metrics = [name for name in targets[0]["rankers"][0]["metrics"] if name.startswith(("MRR", "hit rate"))]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(3.6 * len(metrics) + 1.5, 3.2 * len(targets)), layout="constrained")
        axes = figure.subplots(len(targets), len(metrics), sharey=True, squeeze=False)
        for target, row in zip(targets, axes, strict=True):
            for metric, ax in zip(metrics, row, strict=True):
                _bars(ax, target["rankers"], metric)
                ax.set_title(f"{target['name']}: {metric}", fontsize=9)
    return figure


def _bars(ax: Any, rankers: Sequence[Mapping[str, Any]], metric: str) -> None:
    estimates = [ranker["metrics"][metric] for ranker in rankers]
    values = [estimate["value"] for estimate in estimates]
    reach = [[e["value"] - e["low"] for e in estimates], [e["high"] - e["value"] for e in estimates]]
    colours = [BAR] * (len(values) - 1) + [BLEND_BAR]
    ax.barh([ranker["name"] for ranker in rankers], values, xerr=reach, color=colours, error_kw={"lw": 1, "capsize": 2})
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.set_xlim(left=0)


def _html(evaluation: Mapping[str, Any]) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Penchant: evaluation</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{STYLE}</style></head>\n<body>\n<h1>Would Penchant have known?</h1>"
    yield f"<p>Learned from {evaluation['events_before']:,} events of {evaluation['users']:,} users before "
    yield f"{escape(evaluation['at'])}, and held against {evaluation['events_after']:,} after it. "
    yield f"There were {evaluation['candidates']:,} products. Small numbers and black lines are 95% intervals over "
    yield "users. Coverage is the part of the products that anybody is shown.</p>"
    yield f"<p>{escape(evaluation['judged'])}</p>"
    yield f'<img src="{PICTURE}" alt="Bars of the same figures as in the tables below">'
    for target in evaluation["targets"]:
        yield f"<h2>{escape(TITLES[target['name']])}</h2>"
        yield f"<p>{target['users']:,} users, {target['relevant']:,} products to be found.</p>"
        yield f"<p>{escape(target['summary'])}</p>"
        yield from _table(target["rankers"])
    for note in evaluation["notes"]:
        yield f"<p>{escape(note)}</p>"
    yield "</body>\n</html>"


def _table(rankers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    metrics, ks = list(rankers[0]["metrics"]), list(rankers[0]["coverage"])
    heads = ["ranker", *metrics, *(f"coverage@{k}" for k in ks)]
    yield '<div class="wide"><table>'
    yield "<tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr>"
    for ranker in rankers:
        cells = [escape(ranker["name"]), *(_cell(ranker["metrics"][metric]) for metric in metrics)]
        cells += [f"{ranker['coverage'][k]:.1%}" for k in ks]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table></div>"


def _cell(estimate: Mapping[str, float]) -> str:
    return f"{estimate['value']:.4f}<small>{estimate['low']:.4f} … {estimate['high']:.4f}</small>"
