"""The whole way on embedded parts: real purchases recorded, applied and verified on SQLite, 256 dimensions."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path

from adapters.online_retail.dataset import OnlineRetail
from application.active_recipe import adopt_recipe
from application.event_message import Submission
from benchmarks.measure import spread
from benchmarks.report import Report
from entrypoints.container import Container
from entrypoints.settings import Settings

EVENTS = 100_000
BATCH = 4_000
RUNS = 3


@contextmanager
def fresh_container() -> Iterator[Container]:
    """Penchant on an empty folder with the real catalogue."""
    with tempfile.TemporaryDirectory() as folder:
        container = Container(settings=Settings(PENCHANT_HOME=Path(folder)))
        container.schema().upgrade()
        adopt_recipe(container.registry(), container.recipe())
        container.import_products()(OnlineRetail().products())
        yield container
        container.database().dispose()


def run_once(submissions: list[Submission]) -> tuple[float, float, float]:
    """Seconds that recording, applying and verifying took."""
    record = apply = 0.0
    with fresh_container() as container:
        for start in range(0, len(submissions), BATCH):
            began = time.perf_counter()
            container.record()(submissions[start : start + BATCH])
            recorded = time.perf_counter()
            container.work().drain(BATCH)
            record += recorded - began
            apply += time.perf_counter() - recorded
        began = time.perf_counter()
        report = container.verify().all()
        assert not report.mismatches
        return record, apply, time.perf_counter() - began


def main(report: Report) -> None:
    """Print the table."""
    every = (
        submission for _, submission in OnlineRetail().submissions(timedelta(days=5_000)) if submission is not None
    )
    submissions = list(islice(every, EVENTS))
    runs = [run_once(submissions) for _ in range(RUNS)]
    steps = {"record (log + outbox)": 0, "apply (read, fold, write, settle)": 1, "verify": 2}
    rates = {name: [EVENTS / run[at] for run in runs] for name, at in steps.items()}
    rates["record and apply"] = [EVENTS / (run[0] + run[1]) for run in runs]
    report.table(
        "pipeline",
        f"{EVENTS:,} real purchases on SQLite, 256 dimensions; {RUNS} runs",
        ("step", "events/s"),
        [(name, spread(values)) for name, values in rates.items()],
        rates,
    )
