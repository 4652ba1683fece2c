"""Where the outside comes in: settings, the container that chooses adapters, and the command line."""
