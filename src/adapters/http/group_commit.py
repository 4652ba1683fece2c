"""Group commit: requests that come at the same time share a transaction, so that each costs a part of one."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from attrs import evolve, frozen

from adapters.http.problems import Problem
from application.event_message import Submission
from application.ports.tracer import NO_TRACER, Tracer
from application.record import Receipt
from domain.errors import TransientError, UnavailableError

RETRY_AFTER_SECONDS = 1


@frozen(kw_only=True, eq=False)
class _Request:
    submissions: Sequence[Submission]
    receipts: "asyncio.Future[Sequence[Receipt]]"


class GroupCommit:
    """Records what concurrent requests submit. One thread writes; what comes meanwhile goes into its next transaction.

    To be used from one event loop.

    Parameters
    ----------
    record : records submissions in one transaction, with a receipt for each, as RecordEvents does.
    at_once : events in one transaction, unless a single request has more.
    max_waiting : events that may wait for theirs; about three seconds of work, by default.
    patience_seconds : how long a request waits at the most, and `close` for all of them.
    """

    def __init__(
        self,
        record: Callable[[Sequence[Submission]], Sequence[Receipt]],
        *,
        at_once: int = 500,
        max_waiting: int = 10_000,
        patience_seconds: float = 10.0,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._record = record
        self._at_once = at_once
        self._max_waiting = max_waiting
        self._patience_seconds = patience_seconds
        self._tracer = tracer
        self._waiting: deque[_Request] = deque()
        self._count = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, submissions: Sequence[Submission]) -> Sequence[Receipt]:
        """The receipts of `submissions`, once what is accepted is durable.

        Raises
        ------
        Problem : too many wait already.
        TransientError : the log cannot be written now, or takes too long, so that what has begun may be recorded yet;
            send the same again, with the same message ids.
        """
        if self._count >= self._max_waiting:
            raise _overloaded(f"{self._count:,} events wait to be recorded already; send these again in a moment.")
        if (trace := self._tracer.current()) is not None:  # the transaction is in another thread, and for many
            submissions = [evolve(submission, trace=trace) for submission in submissions]
        loop = asyncio.get_running_loop()
        request = _Request(submissions=submissions, receipts=loop.create_future())
        self._waiting.append(request)
        self._count += len(submissions)
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await request.receipts
        except TimeoutError as error:
            text = f"Recording takes longer than {self._patience_seconds:g} s: the log's database hangs or is too slow."
            raise UnavailableError(text) from error

    async def close(self) -> None:
        """Wait until everything is written, but not for a log that hangs: nobody has been told that it has the rest."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=self._patience_seconds)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while group := self._next_group():
                outcomes = await loop.run_in_executor(self._thread, self._record_group, group)
                for request, outcome in zip(group, outcomes, strict=True):
                    if request.receipts.done():
                        continue
                    if isinstance(outcome, BaseException):
                        request.receipts.set_exception(outcome)
                    else:
                        request.receipts.set_result(outcome)
        finally:
            self._writing = None

    def _next_group(self) -> list[_Request]:
        group: list[_Request] = []
        events = 0
        while self._waiting and (not group or events + len(self._waiting[0].submissions) <= self._at_once):
            request = self._waiting.popleft()
            self._count -= len(request.submissions)
            if request.receipts.done():  # nobody waits for it any more
                continue
            group.append(request)
            events += len(request.submissions)
        return group

    def _record_group(self, group: Sequence[_Request]) -> Sequence[Sequence[Receipt] | Exception]:
        """What became of each request. What fails by a fault of its own fails alone."""
        try:
            receipts = iter(self._record([submission for request in group for submission in request.submissions]))
        except TransientError as error:
            return [error] * len(group)
        except Exception as error:  # noqa: BLE001  # raised again where the request is answered
            if len(group) == 1:
                return [error]
            return [outcome for request in group for outcome in self._record_group([request])]
        return [[next(receipts) for _ in request.submissions] for request in group]


def _overloaded(detail: str) -> Problem:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Problem(status=HTTPStatus.SERVICE_UNAVAILABLE, kind="overloaded", detail=detail, headers=headers)
