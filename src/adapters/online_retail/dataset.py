"""Invoice lines as products, purchases and retractions."""

import csv
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from attrs import field, frozen

from application.event_message import Submission
from application.ports.sample_shop import LineKind
from domain.interaction import EventType, Interaction, Retraction
from domain.product import Product

PATH = Path(__file__).parent / "online_retail.csv.gz"

_PRODUCT_CODE = re.compile(r"\d{5}[A-Za-z]*")
"""What is not five digits and perhaps letters is postage, a fee, an adjustment or a voucher."""


class _Line(NamedTuple):
    """A line with a customer and a product."""

    number: int
    invoice: str
    stock_code: str
    description: str
    quantity: str
    time: str
    customer: str

    @property
    def is_cancellation(self) -> bool:
        return self.invoice.startswith("C")

    @property
    def message_id(self) -> str:
        return f"online-retail-{self.number}"


class OnlineRetail:
    """The data set as Penchant sees it.

    A line with a customer is a purchase; its message id is made of its line number, because an invoice may hold a
    product twice. A cancellation takes back the customer's latest purchase of the product that is not taken back yet,
    if it cancels at least the quantity bought then; other cancellations are left alone. Times are read as UTC.
    """

    line_count = 541_909
    last_day = date(2011, 12, 9)

    def __init__(self, path: Path = PATH) -> None:
        self._path = path

    def products(self) -> list[Product]:
        """The catalogue: each product's text is the description that most of its lines with a customer carry.

        Of equally frequent ones the first in the alphabet is taken.
        """
        return [
            Product(product_id=stock_code, text=_most_frequent(counts))
            for stock_code, counts in sorted(self._survey.texts.items())
        ]

    def submissions(self, shift: timedelta) -> Iterator[tuple[LineKind, Submission | None]]:
        """What each line of the file is, in order, and its event if it is one, `shift` later than it happened."""
        open_purchases: defaultdict[tuple[str, str], list[_Line]] = defaultdict(list)
        for line in self._lines():
            if isinstance(line, LineKind):
                yield line, None
                continue
            pair = (line.customer, line.stock_code)
            purchases = open_purchases[pair] if pair in self._survey.cancelled else []
            if not line.is_cancellation:
                purchases.append(line)
                yield LineKind.PURCHASE, Submission(event=_purchase(line, shift))
            elif purchases and -int(line.quantity) >= int(purchases[-1].quantity):
                yield LineKind.RETRACTION, Submission(event=_retraction(line, purchases.pop(), shift))
            else:
                yield LineKind.OTHER_CANCELLATION, None

    @cached_property
    def _survey(self) -> "_Survey":
        survey = _Survey()
        for line in self._lines():
            if isinstance(line, LineKind):
                continue
            if line.description.strip():
                survey.texts[line.stock_code][line.description] += 1
            if line.is_cancellation:
                survey.cancelled.add((line.customer, line.stock_code))
        return survey

    def _lines(self) -> Iterator[_Line | LineKind]:
        with gzip.open(self._path, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            for number, (invoice, code, description, quantity, time, _price, customer, _country) in enumerate(rows, 2):
                if not customer:
                    yield LineKind.NO_CUSTOMER
                elif not _PRODUCT_CODE.fullmatch(code):
                    yield LineKind.NO_PRODUCT
                else:
                    yield _Line(number, invoice, code, description, quantity, time, customer)


@frozen
class _Survey:
    """What has to be known of the whole file before its first line can be read as an event."""

    texts: defaultdict[str, Counter[str]] = field(factory=lambda: defaultdict(Counter))
    cancelled: set[tuple[str, str]] = field(factory=set)
    """Customer and product of every cancellation: only their purchases have to be remembered."""


def _most_frequent(counts: Mapping[str, int]) -> str:
    return " ".join(min(counts, key=lambda text: (-counts[text], text)).split())


def _purchase(line: _Line, shift: timedelta) -> Interaction:
    return Interaction(
        message_id=line.message_id,
        user_id=line.customer,
        event_type=EventType.PURCHASE,
        product_id=line.stock_code,
        occurred_at=_time(line.time, shift),
    )


def _retraction(line: _Line, purchase: _Line, shift: timedelta) -> Retraction:
    return Retraction(
        message_id=line.message_id,
        user_id=line.customer,
        retracts=purchase.message_id,
        occurred_at=_time(line.time, shift),
    )


@lru_cache(maxsize=64)
def _time(text: str, shift: timedelta) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + shift  # the lines of an invoice share it
