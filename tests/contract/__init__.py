"""One suite a port, run on every adapter of it. A new adapter is one line in `adapters.py`."""
