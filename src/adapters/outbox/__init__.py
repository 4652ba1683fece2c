"""The outbox itself as message source, for when there is no broker (design: the rooms)."""
