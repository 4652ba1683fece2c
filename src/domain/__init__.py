"""The values and rules of Penchant: pure, without I/O, clock or randomness. Anything may import it."""
