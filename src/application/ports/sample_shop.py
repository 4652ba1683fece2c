"""A sample shop: real products and events to try Penchant on."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

from application.event_message import Submission
from domain.product import Product


class LineKind(StrEnum):
    """What a line of the shop's records is to Penchant."""

    PURCHASE = "purchases"
    RETRACTION = "purchases taken back"
    OTHER_CANCELLATION = "other cancellations"
    NO_CUSTOMER = "lines without a customer"
    NO_PRODUCT = "lines about no product"


class SampleShop(Protocol):
    """Records of a shop, the same at every call."""

    @property
    def line_count(self) -> int:
        """How many lines `submissions` yields."""

    @property
    def last_day(self) -> date:
        """The day of its last event."""

    def products(self) -> Sequence[Product]:
        """The catalogue."""

    def submissions(self, shift: timedelta) -> Iterator[tuple[LineKind, Submission | None]]:
        """What each line is, in order of time, and its event if it is one, `shift` later than it happened."""
