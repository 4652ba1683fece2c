"""The contracts of the service, written from its code by `make contracts`. README.md says what is what."""
