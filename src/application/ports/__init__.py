"""What the use cases need from outside: one small Protocol a role, whose docstring is the contract of its adapters."""
