"""What a client of the API has been told of each event: its own ledger, to hold the log against."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from domain.interaction import Interaction, LoggedEvent

ACCEPTED = 202


@frozen(kw_only=True)
class Exchange:
    """A request and its answer."""

    path: str
    body: bytes
    status: int
    answer: Mapping[str, Any]


@define
class Ledger:
    """Interactions by message id. Retractions by target: a second one of the same target changes nothing."""

    interactions: dict[str, tuple[str | None, ...]] = field(factory=dict)
    retractions: dict[str, str] = field(factory=dict)

    def note(self, exchange: Exchange) -> None:
        """Write down what was accepted. Fails where two of one id were that are not the same."""
        if exchange.status != ACCEPTED:
            return
        sent = json.loads(exchange.body.decode())
        if exchange.path.endswith("/batch"):
            results = exchange.answer["results"]
            assert len(results) == len(sent)
            for item, result in zip(sent, results, strict=True):
                if result["status"] != "refused":
                    self._note(item, result["message_id"])
        else:
            self._note(sent, exchange.answer["message_id"])

    def _note(self, sent: Mapping[str, Any], message_id: str) -> None:
        user_id = _id(sent["user_id"])
        assert user_id is not None
        if sent.get("retracts") is not None:
            known, what = self.retractions.setdefault(str(_id(sent["retracts"])), user_id), user_id
        else:
            what = (user_id, sent["event_type"], _id(sent.get("product_id")), sent.get("search_phrase"))
            known = self.interactions.setdefault(message_id, what)
        assert known == what, f"{message_id} was accepted twice with different content"

    @classmethod
    def of_log(cls, pages: Iterable[Iterable[LoggedEvent]]) -> "Ledger":
        """The same of what is in the log."""
        ledger = cls()
        for event in (logged.event for page in pages for logged in page):
            if isinstance(event, Interaction):
                what = (event.user_id, event.event_type.value, event.product_id, event.search_phrase)
                ledger.interactions[event.message_id] = what
            else:
                ledger.retractions[event.retracts] = event.user_id
        return ledger


def _id(raw: object) -> str | None:
    return None if raw is None else str(int(raw)) if isinstance(raw, float) else str(raw)
