"""Real processes on real files: the program as its user starts it."""
