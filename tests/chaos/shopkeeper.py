"""Who imports products: some at the start, some while events wait for them, and all again when MongoDB forgot them."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from attrs import define, field

from tests.chaos.house import House

RETRY_SECONDS = 0.3


@define(kw_only=True, eq=False)
class Shopkeeper:
    """Runs `penchant setup` and `penchant products import` in a thread of its own, each until it works."""

    house: House
    waves: Sequence[Mapping[str, str]]
    folder: Path
    imports: int = 0
    failures: int = 0
    last_failure: str = ""
    _wanted: int = field(default=0, init=False)
    """How many waves are to be in the catalogue."""
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
        """Bring these first waves into the catalogue, also those that were there before."""
        with self._changed:
            self._wanted = max(self._wanted, waves)
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
                orders, wanted = self._orders, self._wanted
            if self._ended:
                return
            if self._import(wanted):
                self._done = orders
                self.imports += 1
            else:
                self.failures += 1
                time.sleep(RETRY_SECONDS)

    def _import(self, wanted: int) -> bool:
        products = {product_id: text for wave in self.waves[:wanted] for product_id, text in wave.items()}
        path = self.folder / "products.jsonl"
        lines = (json.dumps({"product_id": product_id, "text": text}) for product_id, text in products.items())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for arguments in (("setup",), ("products", "import", str(path), "--json")):
            outcome = self.house.penchant(*arguments)
            if outcome.returncode:
                self.last_failure = outcome.stderr.strip()
                return False
        return True
