"""What `penchant evaluate` found, for eyes and for programs."""

from collections.abc import Sequence

from attrs import asdict

from application.evaluate import Question
from application.evaluation import Evaluation, Lead, RankerScore, TargetScores
from application.setup import Setup
from domain.bootstrap import Estimate
from domain.instant import from_microseconds
from entrypoints.cli.output import out, print_paragraph, table
from entrypoints.cli.setup_report import setup_fields, setup_sentence

DIGITS = 6
TITLES = {
    "discoveries": "Discoveries: bought after, and never before",
    "first discovery": "First discovery: the first of these alone",
    "repeats": "Repeats: bought before, and again after",
}


def as_json_object(evaluation: Evaluation, question: Question, setup: Setup) -> dict[str, object]:
    """All figures, rounded to DIGITS."""
    return {
        "settings": rounded(setup_fields(setup)),
        "judged": setup_sentence(setup),
        "at": from_microseconds(evaluation.at_us).isoformat().replace("+00:00", "Z"),
        "min_events": question.min_events,
        "seed": question.seed,
        "users": evaluation.users,
        "events_before": evaluation.events_before,
        "events_after": evaluation.events_after,
        "candidates": evaluation.candidates,
        "targets": [rounded({**asdict(target), "summary": summary(target)}) for target in evaluation.targets],
        "notes": list(evaluation.notes),
    }


def rounded(value: object) -> object:
    """The value for JSON: every number in it with DIGITS digits."""
    if isinstance(value, dict):
        return {str(name): rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def print_evaluation(evaluation: Evaluation, ks: Sequence[int], setup: Setup) -> None:
    """Print a table a target, and what follows from it."""
    at = f"{from_microseconds(evaluation.at_us):%Y-%m-%d %H:%M} UTC"
    out.print(
        f"Learned from {evaluation.events_before:,} events of {evaluation.users:,} users before {at}; held against "
        f"{evaluation.events_after:,} after it. There were {evaluation.candidates:,} products."
    )
    print_paragraph(setup_sentence(setup))
    for target in evaluation.targets:
        out.print()
        _print_target(target, ks)
    out.print()
    for note in evaluation.notes:
        print_paragraph(note, "[yellow]![/yellow]", indent=2)


def _print_target(target: TargetScores, ks: Sequence[int]) -> None:
    title = f"{TITLES[target.name]} ({target.users:,} users, {target.relevant:,} products)"
    numbers = ("MRR", "95%", "k", "hit rate", "recall", "NDCG", "coverage")
    out.print(table(title, ("ranker", *numbers), (_row(score, ks) for score in target.rankers), numbers))
    print_paragraph(summary(target), indent=2)


def _row(score: RankerScore, ks: Sequence[int]) -> Sequence[str]:
    """The cells of a ranker; those that depend on k have a line for each."""
    mrr = score.metrics["MRR"]
    by_k = [[f"{score.metrics[f'{name}@{k}'].value:.3f}" for k in ks] for name in ("hit rate", "recall", "NDCG")]
    columns = [[str(k) for k in ks], *by_k, [f"{score.coverage[k]:.0%}" for k in ks]]
    return (score.name, f"{mrr.value:.3f}", interval(mrr), *("\n".join(lines) for lines in columns))


def interval(estimate: Estimate, *, sign: bool = False) -> str:
    """The 95% interval as text."""
    form = "+.3f" if sign else ".3f"
    return f"{estimate.low:{form}}…{estimate.high:{form}}"


def summary(target: TargetScores) -> str:
    """What the MRR of the blend that is served says about it: beside the best single ranker, and beside popularity."""
    blend = target.rankers[-1]
    gain = blend.over_popularity["MRR"]
    over_popularity = f"{gain.value:+.4f} MRR, 95% {interval(gain, sign=True)}"
    return f"{lead_sentence(target.name, blend.name, target.blend['MRR'])} Beside what is popular: {over_popularity}."


def lead_sentence(target: str, blend: str, lead: Lead) -> str:
    """What a blend's lead says about it."""
    difference = f"{lead.difference.value:+.4f} MRR, 95% {interval(lead.difference, sign=True)}"
    if lead.difference.high < 0:
        return f"For {target}, {lead.over} alone is better than the {blend} ({difference})."
    if lead.difference.low <= 0:
        return f"For {target}, the {blend} is not shown to be better than {lead.over} alone ({difference})."
    apart = "" if lead.apart else "; their intervals overlap, the difference user by user does not reach zero"
    return f"For {target}, the {blend} is better than the best single ranker, {lead.over} ({difference}{apart})."
