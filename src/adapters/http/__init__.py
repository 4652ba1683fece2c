"""The HTTP API (FastAPI): events come in, embeddings and what is near to them are read."""
