"""Redis in front of the stored phrase vectors. Only `connection` loads the client (16 MiB)."""
