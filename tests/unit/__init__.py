"""Laws of the domain and behaviour of the use cases, on the in-memory adapters."""
