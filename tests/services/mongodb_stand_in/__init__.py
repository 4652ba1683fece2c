"""A MongoDB server in memory, written in Java by others; here it is given a version and a port."""
