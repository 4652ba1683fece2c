"""Rate limits by the library limits, in memory or on Redis. Importing a module of it loads the library."""
