"""What delivered events do to one user: which take effect, which are settled without, which must wait (ADR 0003)."""

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from domain.applied_positions import AppliedPositions
from domain.interaction import Interaction, LoggedEvent, Retraction


@frozen(kw_only=True)
class Effect:
    """An interaction that is added (sign 1) or taken back (sign -1)."""

    interaction: Interaction
    sign: int


@frozen(kw_only=True)
class Settlement:
    """The outcome for one user: what to fold, and the positions applied after it."""

    effects: tuple[Effect, ...]
    applied: AppliedPositions


def settle(
    applied: AppliedPositions,
    delivered: Iterable[LoggedEvent],
    targets: Mapping[str, LoggedEvent],
    is_known: Callable[[Interaction], bool],
) -> Settlement:
    """Decide what `delivered` events of one user do to a state that has `applied`.

    An event that is applied already does nothing. A retraction takes its target back if that was applied before;
    otherwise it settles both without effect, so that a later delivery of the target does nothing. What needs a vector
    that is not known stays missing.

    Parameters
    ----------
    delivered : the events, in any order and any number of times.
    targets : the retracted events by message id, for each retraction among `delivered`.
    is_known : whether the vector of an interaction is at hand.
    """
    done: set[int] = set()
    effects: dict[int, Effect] = {}
    for logged in sorted(delivered, key=_position):
        event, position = logged.event, logged.position
        if position in done or position in applied:
            continue
        if isinstance(event, Retraction):
            target = targets.get(event.retracts)
            if target is None:  # gone from the log behind our back: there is nothing left to take back
                done.add(position)
                continue
            if target.position in effects:
                # Adding and subtracting would leave rounding that may be more than all that is left of older events.
                del effects[target.position]
            elif target.position in applied and isinstance(target.event, Interaction):
                if not is_known(target.event):
                    continue
                effects[position] = Effect(interaction=target.event, sign=-1)
            done.update((position, target.position))
        elif is_known(event):
            effects[position] = Effect(interaction=event, sign=1)
            done.add(position)
    return Settlement(effects=tuple(effects.values()), applied=applied.with_applied(done))


def settle_history(
    applied: AppliedPositions, history: Iterable[LoggedEvent], is_known: Callable[[Interaction], bool]
) -> Settlement:
    """The same for events as `EventLog.history` gives them: in order, from the first, each with its retraction.

    An event that is retracted anywhere in the log is settled without effect, so nothing is added to be taken back.
    """
    done: list[int] = []
    effects: list[Effect] = []
    for logged in history:
        event = logged.event
        if isinstance(event, Interaction) and logged.retracted_by is None:
            if not is_known(event):
                continue
            effects.append(Effect(interaction=event, sign=1))
        done.append(logged.position)
    return Settlement(effects=tuple(effects), applied=applied.with_applied(done))


def _position(logged: LoggedEvent) -> int:
    return logged.position
