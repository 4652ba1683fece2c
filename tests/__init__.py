"""The tests of Penchant: laws and use cases, one contract suite a port, real servers and processes."""
