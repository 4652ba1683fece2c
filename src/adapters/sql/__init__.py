"""SQLite through SQLAlchemy Core: log, outbox, catalogue, phrase vectors, user embeddings, dead letters, registry."""
