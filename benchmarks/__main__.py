"""Runs benchmarks and prints their tables: `python -m benchmarks [NAME …] [--json FILE]`."""

import os

# One core, for numbers that can be compared: set before numpy is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import gc
import logging
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.report import Report
from tests.services import Unavailable

BENCHMARKS = {
    "fold": "the fold alone",
    "pipeline": "real purchases on SQLite",
    "stages": "where the time of a worker goes, on real servers and with the store in memory",
    "production": "Penchant beside Celery on RabbitMQ and MongoDB",
    "drain": "5,000 and 50,000 generated events, 3 workers: time, queue depth, memory",
    "scaling": "1, 3, 5 and 10 workers",
    "http": "the HTTP API: requests a second with the broker and without, and freshness",
    "freshness": "from recorded to readable, at 1,000 events a second for a minute",
    "search": "the nearest of 4,000 and of a million products: exact and approximate, beside plain numpy",
    "recommend": "ten recommendations with reasons of 4,000 and of a million products, beside plain numpy",
    "bought_with": "what goes with a basket, from Neo4j, alone and in a whole recommendation",
    "graph": "into Neo4j: the graph's consumer beside one transaction an event",
    "graph_away": "the embeddings, and then the graph, while Neo4j is stopped for 30 s",
}


def main() -> int:
    """Run what was asked for, or everything."""
    listing = "\n".join(f"  {name:<12}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog=listing, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones; all, if left out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to put the raw figures")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    gc.set_threshold(50_000, 20, 20)  # as the program itself does
    logging.getLogger("alembic").setLevel(logging.WARNING)
    report, missed = Report(), False
    for name in arguments.names if arguments.names else BENCHMARKS:
        try:
            import_module(f"benchmarks.{name}").main(report)
        except Unavailable as error:
            report.say(f"{name} was not measured. {error}")
            missed = True
    if arguments.json is not None:
        report.save(arguments.json)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
