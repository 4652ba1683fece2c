"""Logs through structlog: one line of JSON an entry on standard error."""
