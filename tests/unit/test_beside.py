"""Asking together: nobody waits for a part that hangs, and what it says too late is no news."""

from threading import Event, Thread, current_thread

from application.beside import AskTogether

DEADLINE_SECONDS = 30.0


class Part:
    """Numbers its answers, and holds them back while it is told to."""

    def __init__(self) -> None:
        self.threads: list[Thread] = []
        self.may_answer = Event()

    def __call__(self) -> int:
        self.threads.append(current_thread())
        number = len(self.threads)
        assert self.may_answer.wait(DEADLINE_SECONDS)
        return number


def test_a_part_that_hangs_is_left_out_and_not_asked_twice() -> None:
    hangs = Part()
    ask = AskTogether({"hangs": hangs, "answers": lambda: 1}, patience_seconds=0.05)

    assert [[*ask()] for _ in range(2)] == [["answers"]] * 2
    assert len(hangs.threads) == 1
    hangs.may_answer.set()


def test_an_answer_that_came_when_nobody_waited_is_not_given_to_who_asks_later() -> None:
    slow = Part()
    ask = AskTogether({"slow": slow}, patience_seconds=0.05)
    assert not ask()
    slow.may_answer.set()
    slow.threads[0].join()

    numbers = [answer.result() for answer in ask().values()]

    assert 1 not in numbers
    assert len(slow.threads) == 2
