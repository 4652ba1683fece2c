"""What `penchant tune` found, for eyes and for programs."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import asdict

from application.evaluate import Question
from application.setup import Setup
from application.tuning import TargetTest, Tuning, Verdict
from domain.blend import Source
from domain.bootstrap import Estimate
from domain.instant import from_microseconds
from domain.interaction import EventType
from entrypoints.cli.evaluation_report import TITLES, interval, rounded
from entrypoints.cli.output import out, print_paragraph, table
from entrypoints.cli.setup_report import days, setup_fields
from entrypoints.variables import variable_of


def as_json_object(tuning: Tuning, question: Question) -> dict[str, object]:
    """All figures, rounded; half-lives without end are null."""
    return {
        "at": from_microseconds(tuning.at_us).isoformat().replace("+00:00", "Z"),
        "min_events": question.min_events,
        "seed": question.seed,
        "validation": {
            "parts": tuning.parts,
            "tried": tuning.tried,
            "now": rounded(tuning.now_score),
            "found": rounded(tuning.found_score),
        },
        "now": rounded(setup_fields(tuning.now)),
        "found": rounded(setup_fields(tuning.found)),
        "popularity": tuning.popularity,
        "test": {"users": tuning.users, "targets": [rounded(asdict(target)) for target in tuning.targets]},
        "verdict": tuning.verdict,
        "to_set_it": list(_settings(tuning)),
        "notes": list(tuning.notes),
    }


def print_tuning(tuning: Tuning, ks: Sequence[int]) -> None:
    """Print what was found, how it did on the test part, and what follows from that."""
    at = f"{from_microseconds(tuning.at_us):%Y-%m-%d %H:%M} UTC"
    out.print(
        f"{tuning.tried:,} settings were tried on {tuning.parts} parts of the time before {at}: "
        f"MRR {tuning.now_score:.3f} as set now, {tuning.found_score:.3f} as found."
    )
    out.print()
    now, found = _values(tuning.now, tuning), _values(tuning.found, tuning)
    rows = [(name, now[name], found[name] if found[name] != now[name] else "the same") for name in now]
    out.print(table("Settings", ("", "set now", "found"), rows))
    for target in tuning.targets:
        out.print()
        _print_target(target, tuning, ks)
    print_paragraph(
        f"Popularity is what did best on the parts before of all that is the same for all: {tuning.popularity}."
    )
    out.print()
    _print_verdict(tuning)
    for note in tuning.notes:
        print_paragraph(note, "[yellow]![/yellow]", indent=2)


def _print_target(target: TargetTest, tuning: Tuning, ks: Sequence[int]) -> None:
    names = [f"{name}@{k}" for k in ks for name in ("hit rate", "NDCG")]
    title = f"{TITLES[target.name]} ({tuning.users:,} users)"
    rows = ((name, *_cells(metrics, names)) for name, metrics in target.metrics.items())
    out.print(table(title, ("", "MRR", "95%", *names), rows, ("MRR", "95%", *names)))


def _cells(metrics: Mapping[str, Estimate], names: Sequence[str]) -> Sequence[str]:
    mrr = metrics["MRR"]
    return (f"{mrr.value:.3f}", interval(mrr), *(f"{metrics[name].value:.3f}" for name in names))


def _print_verdict(tuning: Tuning) -> None:
    print_paragraph(verdict_sentence(tuning))
    may_be_wanted = tuning.verdict is Verdict.KEEP and _otherwise_better(tuning.targets[0])
    if tuning.verdict is Verdict.CHANGE or may_be_wanted:
        print_paragraph("To set what was found, and then start whatever serves recommendations again:")
        for line in _settings(tuning):
            out.print(f"  {line}", markup=False, soft_wrap=True)


def verdict_sentence(tuning: Tuning) -> str:
    """What follows from the test part, with the intervals that it follows from."""
    tested = tuning.targets[0]
    gains = (tested.over_now["MRR"], tested.over_popularity["MRR"], tested.now_over_popularity["MRR"])
    over_now, over_popularity, now_over_popularity = (
        f"{gain.value:+.4f} MRR, 95% {interval(gain, sign=True)}" for gain in gains
    )
    match tuning.verdict:
        case Verdict.POPULARITY:
            return (
                f"Nothing beats popularity here: neither what is set ({now_over_popularity}) nor what was found "
                f"({over_popularity}) is shown to be better. Show everybody what is popular, and tune again when there "
                "are more events."
            )
        case Verdict.KEEP if tuning.found.key == tuning.now.key:
            return f"Keep what is set: nothing better was found. It is better than popularity ({now_over_popularity})."
        case Verdict.KEEP:
            return (
                f"Keep what is set: what was found is not shown to be better ({over_now}). What is set is better than "
                f"popularity ({now_over_popularity}).{_otherwise_better(tested)}"
            )
        case Verdict.CHANGE if all(gain.low > 0 for gain in gains[:2]):
            return f"What was found is better than what is set ({over_now}) and than popularity ({over_popularity})."
        case Verdict.CHANGE if gains[0].low > 0:
            return (
                f"What was found is better than what is set ({over_now}), which is better than popularity "
                f"({now_over_popularity})."
            )
        case Verdict.CHANGE:
            return (
                f"What was found is better than popularity ({over_popularity}). Of what is set that is not shown "
                f"({now_over_popularity}), nor that it is worse than what was found ({over_now})."
            )


def _otherwise_better(tested: TargetTest) -> str:
    """By which other metrics what was found is better than what is set."""
    gains = {name: gain for name, gain in tested.over_now.items() if name != "MRR" and gain.low > 0}
    if not gains:
        return ""
    named = ", ".join(f"{name} ({gain.value:+.3f}, {interval(gain, sign=True)})" for name, gain in gains.items())
    return f" By other measures it is better, if these are what counts for you: {named}."


def _settings(tuning: Tuning) -> Iterator[str]:
    """The command and the variables that set what was found, where it differs from what is set."""
    now, found = tuning.now, tuning.found
    options = []
    if found.recipe.decay != now.recipe.decay:
        options.append(f"--half-life-days {found.recipe.decay.half_life_days:g}")
    weights = found.recipe.weights
    options += [f"--weight-{one} {weights[one]:g}" for one in EventType if weights[one] != now.recipe.weights[one]]
    if options:
        yield f"penchant recipe set {' '.join(options)}"
    before = _variables(now)
    yield from (f"export {name}={value}" for name, value in _variables(found).items() if value != before[name])


def _variables(setup: Setup) -> Mapping[str, str]:
    """The environment variables of the blend."""
    blend = setup.blend
    values = {f"blend_{source}": weight for source, weight in blend.weights.items()}
    values["popularity_half_life_days"] = blend.popularity.half_life_days
    values["bought_with_half_life_days"] = blend.bought_with.half_life_days
    return {variable_of(name): f"{value:g}" for name, value in values.items()}


def _values(setup: Setup, tuning: Tuning) -> Mapping[str, str]:
    """Everything that was turned, as people read it."""
    blend = setup.blend
    values = {"half-life of embeddings": days(setup.recipe.decay.half_life_days)}
    if len(tuning.types) > 1:
        values |= {f"weight of a {one}": f"{setup.recipe.weights[one]:g}" for one in EventType if one in tuning.types}
    values["half-life of what is popular"] = days(blend.popularity.half_life_days)
    if Source.BOUGHT_WITH in tuning.sources:
        values["half-life of what is bought together"] = days(blend.bought_with.half_life_days)
    return values | {f"{source} in the blend": f"{blend.weights[source]:g}" for source in tuning.sources}
