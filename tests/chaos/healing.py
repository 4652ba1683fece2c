"""The end: everything comes through, and what does not is counted and sent again until nothing is left to be done."""

import json
import time
from collections import Counter
from collections.abc import Callable
from threading import Thread
from typing import Any

from attrs import define, field

from tests.chaos.gauge import Gauge
from tests.chaos.house import House
from tests.chaos.late import late_events

QUIET_SECONDS = 2.5
"""How long everything must have been empty: the broker's counts are up to two seconds old."""

LOOK_SECONDS = 0.1
MOST_DEAD = 1_000_000


class NotHealed(Exception):  # noqa: N818
    """Something was left to be done when the time was up."""


@define(kw_only=True, eq=False)
class Healing:
    """Does what an operator would, in a thread of its own, while workers and relays go on.

    Parameters
    ----------
    calm : whether nobody kills or imports any more.
    deadline : when it gives up (time.monotonic).
    """

    house: House
    gauge: Gauge
    calm: Callable[[], bool]
    deadline: float
    late: dict[str, str] = field(factory=dict)
    """Events that had not come through when everything was empty, by message id; only catch-up brought them."""
    dead: Counter[str] = field(factory=Counter)
    """Dead letters by their reason, each counted as often as it died."""
    verification: dict[str, Any] = field(factory=dict)
    error: Exception | None = None
    doing: str = ""
    _thread: Thread | None = field(default=None, init=False)

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self._thread is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread = Thread(target=self._run, name="healing", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._is_healed():
                continue
        except Exception as error:  # noqa: BLE001  # raised again by whoever started this
            self.error = error

    def _is_healed(self) -> bool:
        self._wait_until_quiet()
        if self._retry_dead():
            return False
        self.verification = self._command("verify", "--all")
        if not self.verification["lag"] and not self.verification["waiting"]:
            return True
        self._catch_up()
        return False

    def _wait_until_quiet(self) -> None:
        self.doing = "waiting until everything has come through"
        while True:
            since = self.gauge.empty_since
            if self.calm() and since is not None and time.monotonic() - since >= QUIET_SECONDS:
                return
            self._check_deadline()
            time.sleep(LOOK_SECONDS)

    def _catch_up(self) -> None:
        container = self.house.container()
        try:
            self.late |= late_events(container)
        finally:
            container.shutdown_resources()
        self._command("catch-up", "--older-than", "0")
        self.gauge.empty_since = None

    def _retry_dead(self) -> bool:
        """Have all dead letters retried, each noted with its reason; whether there were any."""
        container = self.house.container()
        try:
            letters = container.dead_letters().list(MOST_DEAD)
        finally:
            container.shutdown_resources()
        self.dead.update(f"{letter.error_type}: {letter.error_text}" for letter in letters)
        if letters:
            self._command("failed", "retry", "--all")
            self.gauge.empty_since = None
        return bool(letters)

    def _command(self, *arguments: str) -> dict[str, Any]:
        """The answer of a command, which is tried again while servers are away."""
        self.doing = f"penchant {' '.join(arguments)}"
        while True:
            outcome = self.house.penchant(*arguments, "--json")
            if outcome.stdout.strip():
                answer: dict[str, Any] = json.loads(outcome.stdout)
                return answer
            self._check_deadline(outcome.stderr)
            time.sleep(LOOK_SECONDS)

    def _check_deadline(self, last: str = "") -> None:
        if time.monotonic() > self.deadline:
            raise NotHealed(f"{self.doing}: {self.gauge.depth}, {self.verification} {last}")
