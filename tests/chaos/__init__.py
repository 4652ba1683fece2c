"""Chaos: real processes and servers are killed while a client records, and the end is held against the client's ledger.

`python -m tests.chaos` runs it; `tests/integration/test_chaos_short.py` runs a short one. May be imported by tests.
"""
