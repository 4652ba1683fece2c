"""Who imports products while events wait for them, and restores what MongoDB forgot."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from attrs import define, field

from tests.chaos.diary import Diary
from tests.chaos.house import House

RETRY_SECONDS = 0.3


@define(kw_only=True, eq=False)
class Shopkeeper:
    """Does what an operator does, in a thread of its own, each command until it works.

    After a loss of everything in MongoDB that is, in this order: `setup`; `catch-up`, which sends on their way all
    events that do not wait for a product; and the import of the catalogue, which releases those that do.
    """

    house: House
    waves: Sequence[Mapping[str, str]]
    folder: Path
    diary: Diary
    imports: int = 0
    caught_up: int = 0
    """Events that catch-up sent on their way again."""
    _wanted: int = field(default=0, init=False)
    """How many waves are to be in the catalogue."""
    _set_up: bool = field(default=True, init=False)
    """Whether MongoDB has its collections and indexes."""
    _orders: int = field(default=0, init=False)
    _done: int = field(default=0, init=False)
    _ended: bool = field(default=False, init=False)
    _changed: Condition = field(factory=Condition, init=False)
    _thread: Thread | None = field(default=None, init=False)

    @property
    def idle(self) -> bool:
        """Whether everything that was ordered is in the catalogue."""
        return self._done == self._orders

    @property
    def waves_ordered(self) -> int:
        """How many waves are imported or about to be."""
        return self._wanted

    def order(self, waves: int) -> None:
        """Bring these first waves into the catalogue."""
        with self._changed:
            self._wanted = max(self._wanted, waves)
            self._orders += 1
            self._changed.notify()

    def restore(self) -> None:
        """MongoDB has forgotten everything: set it up, and bring what was there into the catalogue."""
        with self._changed:
            self._set_up = False
            self._orders += 1
            self._changed.notify()

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._work, name="shopkeeper", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or not self.idle)
                orders, wanted, is_set_up = self._orders, self._wanted, self._set_up
                self._set_up = True
            if self._ended:
                return
            if self._import(wanted, is_set_up):
                self._done = orders
                self.imports += 1
                continue
            self._set_up = self._set_up and is_set_up
            time.sleep(RETRY_SECONDS)

    def _import(self, wanted: int, is_set_up: bool) -> bool:
        products = {product_id: text for wave in self.waves[:wanted] for product_id, text in wave.items()}
        path = self.folder / "products.jsonl"
        lines = (json.dumps({"product_id": product_id, "text": text}) for product_id, text in products.items())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if not is_set_up and not self._restore():
            return False
        return self._works("products", "import", str(path))

    def _works(self, *arguments: str) -> bool:
        outcome = self.house.penchant(*arguments)
        self.diary.note(f"{' '.join(arguments)} ended with {outcome.returncode} {outcome.stderr.strip()}")
        return outcome.returncode == 0

    def _restore(self) -> bool:
        if not self._works("setup"):
            return False
        outcome = self.house.penchant("catch-up", "--older-than", "0", "--json")
        self.diary.note(f"catch-up ended with {outcome.returncode} {outcome.stdout.strip()}{outcome.stderr.strip()}")
        if outcome.returncode:
            return False
        self.caught_up += json.loads(outcome.stdout)["events"]
        return True
