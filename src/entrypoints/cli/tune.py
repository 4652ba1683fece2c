"""`penchant tune`."""

from application.setup import Setup
from application.tune import Tune
from entrypoints.cli.output import Json, print_json, progress
from entrypoints.cli.question import (
    At,
    Events,
    Graph,
    MinEvents,
    Places,
    Products,
    Seed,
    TrainShare,
    material_of,
    question_of,
    sources_of,
)
from entrypoints.cli.tuning_report import as_json_object, print_tuning


def tune(
    at: At = None,
    train_share: TrainShare = 0.8,
    min_events: MinEvents = 5,
    k: Places = None,
    seed: Seed = 1,
    graph: Graph = None,
    events: Events = None,
    products: Products = None,
    as_json: Json = False,
) -> None:
    """Find the half-lives and weights that would have predicted best what your users bought.

    They are searched on parts of the time before a moment (see evaluate), by the MRR of discoveries. What is found is
    tested on what came after the moment, which nothing was chosen by, beside what is set now and beside popularity.
    Nothing is changed: the commands and variables that would set it are printed, where it is better.

    Examples:

      penchant tune

      penchant tune --from events.jsonl --products products.csv --graph
    """
    question = question_of(at, train_share, min_events, k, seed)
    with material_of(events, products) as (container, material):
        now = Setup(recipe=container.recipe(), blend=container.blend())
        asked = Tune(material, question, now, sources_of(container, graph))
        with progress("trying settings", None) as advance:
            tuning = asked(advance)
    if as_json:
        print_json(as_json_object(tuning, question))
        return
    print_tuning(tuning, question.ks)
