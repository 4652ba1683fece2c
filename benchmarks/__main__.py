"""Runs every benchmark and prints its table."""

import os

# One core, for numbers that can be compared: set before numpy is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks import fold, pipeline

fold.main()
pipeline.main()
