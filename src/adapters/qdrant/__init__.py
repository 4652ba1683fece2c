"""The vector index in Qdrant, through its official client. Only the container imports from here."""
