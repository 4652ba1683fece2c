"""Embeddings of OpenAI and of compatible servers. Only `service` and what it imports load the client (30 MiB)."""
