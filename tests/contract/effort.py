"""How hard tests that try things at random try: `make fuzz` says more than `make test`."""

import os

EFFORT = int(os.environ.get("PENCHANT_FUZZ", "1"))
"""How many times as much."""

SEED = int(os.environ.get("PENCHANT_FUZZ_SEED", "1"))
