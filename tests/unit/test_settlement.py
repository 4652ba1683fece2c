from collections import Counter
from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.applied_positions import AppliedPositions
from domain.interaction import Interaction, LoggedEvent, Retraction
from domain.settlement import settle, settle_history
from tests.builders import bought, logged, retraction, viewed

KNOWN = ("tea", "mug")


def _is_known(interaction: Interaction) -> bool:
    return interaction.product_id in KNOWN


@st.composite
def logs(draw: st.DrawFn) -> list[LoggedEvent]:
    """The log of one user: interactions, some with a product nobody knows, and retractions of earlier ones."""
    log: list[LoggedEvent] = []
    open_targets: list[Interaction] = []
    for position in range(1, draw(st.integers(1, 12)) + 1):
        if open_targets and draw(st.booleans()):
            target = open_targets.pop(draw(st.integers(0, len(open_targets) - 1)))
            log.append(logged(retraction(f"m{position}", target), position))
        else:
            event = viewed(f"m{position}", draw(st.sampled_from([*KNOWN, "unheard of"])))
            open_targets.append(event)
            log.append(logged(event, position))
    return log


def _deliver(log: Sequence[LoggedEvent], batches: Sequence[Sequence[LoggedEvent]]) -> tuple[Counter[str], set[int]]:
    """What the effects of these batches come to, by message id, and the positions applied in the end."""
    by_message = {entry.event.message_id: entry for entry in log}
    applied, live = AppliedPositions(), Counter[str]()
    for batch in batches:
        settlement = settle(applied, batch, by_message, _is_known)
        applied = settlement.applied
        for effect in settlement.effects:
            live[effect.interaction.message_id] += effect.sign
    return +live, {entry.position for entry in log if entry.position in applied}


def _expected(log: Sequence[LoggedEvent]) -> tuple[Counter[str], set[int]]:
    gone = {entry.event.retracts for entry in log if isinstance(entry.event, Retraction)}
    events = [entry for entry in log if isinstance(entry.event, Interaction) and entry.event.message_id not in gone]
    live = Counter(entry.event.message_id for entry in events if entry.event.product_id in KNOWN)
    waiting = {entry.position for entry in events if entry.event.product_id not in KNOWN}
    return live, {entry.position for entry in log} - waiting


@given(logs(), st.integers(0, 2**32), st.integers(1, 5))
def test_any_order_any_duplication_and_any_batches_give_the_same(
    log: list[LoggedEvent], seed: int, batch_size: int
) -> None:
    random = Random(seed)
    delivered = [*log, *random.choices(log, k=len(log))]
    random.shuffle(delivered)
    batches = [delivered[start : start + batch_size] for start in range(0, len(delivered), batch_size)]

    assert _deliver(log, batches) == _expected(log)


@given(logs())
def test_a_rebuild_settles_the_same_as_any_delivery(log: list[LoggedEvent]) -> None:
    retracted_by = {entry.event.retracts: entry.position for entry in log if isinstance(entry.event, Retraction)}
    history = [logged(e.event, e.position, retracted_by.get(e.event.message_id)) for e in log]

    settlement = settle_history(AppliedPositions(), history, _is_known)

    live = Counter(effect.interaction.message_id for effect in settlement.effects)
    assert (live, {e.position for e in log if e.position in settlement.applied}) == _expected(log)
    assert all(effect.sign == 1 for effect in settlement.effects)


def test_a_retraction_takes_back_what_was_applied() -> None:
    tea = bought("m1", "tea")

    settlement = settle(AppliedPositions(1), [logged(retraction("m2", tea), 2)], {"m1": logged(tea, 1)}, _is_known)

    assert [(effect.interaction, effect.sign) for effect in settlement.effects] == [(tea, -1)]
    assert settlement.applied == AppliedPositions(2)


def test_a_retraction_before_its_target_settles_both_without_effect() -> None:
    tea = bought("m1", "tea")

    settlement = settle(AppliedPositions(), [logged(retraction("m2", tea), 2)], {"m1": logged(tea, 1)}, _is_known)

    assert (settlement.effects, settlement.applied) == ((), AppliedPositions(2))
    assert settle(settlement.applied, [logged(tea, 1)], {}, _is_known).effects == ()


def test_an_event_and_its_retraction_in_one_batch_add_nothing_that_has_to_be_taken_back() -> None:
    tea = logged(bought("m1", "tea"), 1)

    settlement = settle(AppliedPositions(), [logged(retraction("m2", tea.event), 2), tea], {"m1": tea}, _is_known)

    assert (settlement.effects, settlement.applied) == ((), AppliedPositions(2))


def test_a_retraction_settles_a_target_that_waits_for_its_product() -> None:
    pot = logged(bought("m1", "pot"), 1)

    settlement = settle(AppliedPositions(), [pot, logged(retraction("m2", pot.event), 2)], {"m1": pot}, _is_known)

    assert (settlement.effects, settlement.applied) == ((), AppliedPositions(2))


def test_a_retraction_whose_target_was_applied_with_a_vector_that_is_gone_waits() -> None:
    pot = logged(bought("m1", "pot"), 1)

    settlement = settle(AppliedPositions(1), [logged(retraction("m2", pot.event), 2)], {"m1": pot}, _is_known)

    assert (settlement.effects, settlement.applied) == ((), AppliedPositions(1))


def test_what_waits_for_its_product_is_missing_and_what_comes_after_is_applied() -> None:
    waiting, known = logged(bought("m1", "pot"), 1), logged(bought("m2", "tea"), 2)

    assert settle(AppliedPositions(), [waiting, known], {}, _is_known).applied == AppliedPositions(2, [(1, 1)])
