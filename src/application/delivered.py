"""What a batch of deliveries has for each user."""

from collections.abc import Mapping, Sequence

from application.ports.event_log import EventLog
from application.ports.message_source import Delivery
from domain.applied_positions import AppliedPositions
from domain.interaction import LoggedEvent, Retraction

NOTHING = AppliedPositions()


class Delivered:
    """The delivered events by user, with the targets of the retractions among them.

    Parameters
    ----------
    log : where the targets are read. Raises as `EventLog.find` does.
    """

    def __init__(self, deliveries: Sequence[Delivery], log: EventLog) -> None:
        self.users: dict[str, list[LoggedEvent]] = {}
        targets: set[str] = set()
        for delivery in deliveries:
            event = delivery.logged.event
            self.users.setdefault(event.user_id, []).append(delivery.logged)
            if isinstance(event, Retraction):
                targets.add(event.retracts)
        self.targets = log.find(targets) if targets else {}

    def newly_applied(
        self, before: Mapping[str, AppliedPositions], after: Mapping[str, AppliedPositions]
    ) -> list[LoggedEvent]:
        """Those that are applied after and were not before; users who are in neither had nothing applied."""
        return [
            logged
            for user_id, events in self.users.items()
            for logged in events
            if logged.position in after.get(user_id, NOTHING) and logged.position not in before.get(user_id, NOTHING)
        ]
