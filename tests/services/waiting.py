"""Waiting for a condition with a deadline: what tests do in place of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.1
PAUSE_TO_ASKING = 2
"""A question that takes long is asked more rarely: what is waited for needs the processor as well."""


def wait_until(condition: Callable[[], Value], deadline_seconds: float, what: str) -> Value:
    """Ask again and again until the answer is true, and return it.

    Raises TimeoutError, with `what` was waited for and the last answer, when `deadline_seconds` have passed.
    """
    end = time.monotonic() + deadline_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        asked_at = time.monotonic()
        answer = condition()
        if answer:
            return answer
        answered_at = time.monotonic()
        if answered_at >= end:
            raise TimeoutError(f"waited {deadline_seconds:g} s in vain for {what}; the last answer was {answer!r}")
        time.sleep(min(max(pause, PAUSE_TO_ASKING * (answered_at - asked_at)), end - answered_at))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
