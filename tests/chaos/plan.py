"""How much chaos."""

from attrs import field, frozen, validators

HEALING_SECONDS = 300.0


@frozen(kw_only=True)
class Plan:
    """What a run does. The same seed gives the same events and the same victims; the moments are the machine's."""

    events: int = field(default=100_000, validator=validators.ge(100))
    """Different events that are accepted in the end; repeats come on top."""
    kills: int = field(default=100, validator=validators.ge(0))
    """Of recorders, relay and workers."""
    server_kills: int = field(default=3, validator=validators.ge(0))
    """Of each server."""
    seconds: float = field(default=300.0, validator=validators.gt(0))
    """Over which recording and kills are spread."""
    seed: int = 1
    recorders: int = 2
    workers: int = 2
    batch_size: int = 100
    """Deliveries that a worker applies at once: small, so that a kill mostly finds it at work."""

    @property
    def deadline_seconds(self) -> float:
        """From the start to the moment at which everything must be healed."""
        return self.seconds + HEALING_SECONDS

    @property
    def users(self) -> int:
        """Users, of whom by Zipf's law few have most of the events."""
        return max(40, self.events // 50)

    @property
    def products(self) -> int:
        """Products of the catalogue."""
        return max(40, min(600, self.events // 40))
