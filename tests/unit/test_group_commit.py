"""Requests that come at the same time share a transaction, and nothing else."""

import asyncio
import threading
from collections.abc import Sequence

from adapters.http.group_commit import GroupCommit
from adapters.http.problems import Problem
from application.event_message import Submission
from application.record import Receipt, RecordStatus
from domain.errors import TransientError, UnavailableError
from tests.builders import viewed

WAIT_SECONDS = 30.0


class Recorder:
    """Records nothing, but says so for each; holds on while it is told to."""

    def __init__(self) -> None:
        self.transactions: list[list[str]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.has_begun = threading.Event()

    def __call__(self, submissions: Sequence[Submission]) -> Sequence[Receipt]:
        message_ids = [submission.event.message_id for submission in submissions]
        self.transactions.append(message_ids)
        self.has_begun.set()
        assert self.may_go_on.wait(WAIT_SECONDS)
        if "away" in message_ids:
            raise TransientError("The log is away.")
        if "broken" in message_ids:
            raise ZeroDivisionError
        return [Receipt(message_id=message_id, status=RecordStatus.RECORDED) for message_id in message_ids]


def submitted(*message_ids: str) -> list[Submission]:
    return [Submission(event=viewed(message_id)) for message_id in message_ids]


async def answers(recorder: Recorder, *requests: Sequence[str], **limits: int) -> list[list[str] | BaseException]:
    """What each of these requests is answered that come while the first of them is being written."""
    record = GroupCommit(recorder, **limits)
    recorder.may_go_on.clear()
    first, *others = requests
    tasks = [asyncio.ensure_future(record(submitted(*first)))]
    await asyncio.to_thread(recorder.has_begun.wait, WAIT_SECONDS)
    tasks += [asyncio.ensure_future(record(submitted(*other))) for other in others]
    await asyncio.sleep(0)
    recorder.may_go_on.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await record.close()
    return [o if isinstance(o, BaseException) else [receipt.message_id for receipt in o] for o in outcomes]


def test_what_comes_while_one_transaction_is_written_shares_the_next() -> None:
    recorder = Recorder()

    assert asyncio.run(answers(recorder, ["a"], ["b", "c"], ["d"])) == [["a"], ["b", "c"], ["d"]]

    assert recorder.transactions == [["a"], ["b", "c", "d"]]


def test_a_request_that_fails_by_a_fault_of_its_own_fails_alone() -> None:
    recorder = Recorder()

    first, good, broken, other = asyncio.run(answers(recorder, ["a"], ["b"], ["broken"], ["c"]))

    assert (first, good, other) == (["a"], ["b"], ["c"])
    assert isinstance(broken, ZeroDivisionError)


def test_when_the_log_is_away_all_of_the_transaction_are_told_so() -> None:
    recorder = Recorder()

    first, *others = asyncio.run(answers(recorder, ["a"], ["b"], ["away"]))

    assert first == ["a"]
    assert all(isinstance(other, TransientError) for other in others)
    assert len(recorder.transactions) == 2


def test_a_transaction_has_a_bound_and_a_large_request_is_not_divided() -> None:
    recorder = Recorder()

    asyncio.run(answers(recorder, ["a"], ["b", "c"], ["d", "e"], list("fghij"), ["k"], at_once=3))

    assert recorder.transactions == [["a"], ["b", "c"], ["d", "e"], list("fghij"), ["k"]]


def test_when_too_many_wait_more_are_refused_for_now() -> None:
    recorder = Recorder()

    *accepted, refused = asyncio.run(answers(recorder, ["a"], ["b", "c"], ["d"], max_waiting=2))

    assert accepted == [["a"], ["b", "c"]]
    assert isinstance(refused, Problem)
    assert (refused.status, refused.kind, refused.headers["Retry-After"]) == (503, "overloaded", "1")


def test_a_caller_that_goes_away_takes_nobody_along() -> None:
    recorder = Recorder()

    async def run() -> Sequence[Receipt]:
        record = GroupCommit(recorder)
        recorder.may_go_on.clear()
        impatient = asyncio.ensure_future(record(submitted("a")))
        await asyncio.to_thread(recorder.has_begun.wait, WAIT_SECONDS)
        patient = asyncio.ensure_future(record(submitted("b")))
        await asyncio.sleep(0)
        impatient.cancel()
        recorder.may_go_on.set()
        receipts = await patient
        await record.close()
        return receipts

    (receipt,) = asyncio.run(run())

    assert (receipt.message_id, recorder.transactions) == ("b", [["a"], ["b"]])


def test_a_log_that_hangs_is_not_waited_for_and_what_has_not_begun_is_dropped() -> None:
    recorder = Recorder()

    async def run() -> list[object]:
        record = GroupCommit(recorder, patience_seconds=0.01)
        recorder.may_go_on.clear()
        refused = [
            *await asyncio.gather(record(submitted("a")), return_exceptions=True),
            *await asyncio.gather(record(submitted("b")), return_exceptions=True),
        ]
        recorder.may_go_on.set()
        await record.close()
        return refused

    refused = asyncio.run(run())

    assert [type(error) for error in refused] == [UnavailableError] * 2
    assert recorder.transactions == [["a"]]
