"""Which events are in the log and in no state: what catch-up would have to send again."""

from collections.abc import Mapping

from application.rebuild import pages_of_heads
from domain.interaction import Interaction, LoggedEvent
from domain.user_embedding import UserEmbedding
from entrypoints.container import Container


def late_events(container: Container) -> Mapping[str, str]:
    """Their message ids, each with what is known of it and of its user's state."""
    late: dict[str, str] = {}
    for heads in pages_of_heads(container.event_log()):
        states = container.store().read([user_id for user_id, _ in heads])
        behind = {user_id for user_id, head in heads if user_id not in states or len(states[user_id].applied) < head}
        for page in container.event_log().history(behind) if behind else ():
            for logged in page:
                state = states.get(logged.event.user_id)
                if state is None or logged.position not in state.applied:
                    late[logged.event.message_id] = f"{_event(logged)}; {_state(state)}"
    return late


def _event(logged: LoggedEvent) -> str:
    event = logged.event
    subject = (event.product_id or "a search") if isinstance(event, Interaction) else f"retracts {event.retracts}"
    by = f", retracted by {logged.retracted_by}" if logged.retracted_by is not None else ""
    return f"{event.user_id!r} at {logged.position}, {subject}, recorded {logged.recorded_at:%H:%M:%S.%f}{by}"


def _state(state: UserEmbedding | None) -> str:
    if state is None or state.last_updated is None:
        return "no state"
    applied = f"up to {state.applied.position}, missing {state.applied.missing[:5]}"
    return f"state of {state.last_updated:%H:%M:%S.%f}, version {state.version}, {applied}"
