"""Every port in plain Python objects, for tests and experiments. They keep the same contracts as the real ones."""
