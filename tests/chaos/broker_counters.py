"""What RabbitMQ has counted, added up over its restarts."""

import re
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from attrs import define, field

REDELIVERED = "rabbitmq_global_messages_redelivered_total"
RECEIVED = "rabbitmq_global_messages_received_total"
TIMEOUT_SECONDS = 5


@define(kw_only=True, eq=False)
class BrokerCounters:
    """Counters of a broker's metrics page. What it counted between the last look and its death is not known.

    Parameters
    ----------
    url : of the page; None where there is none, and then everything stays 0.
    """

    url: str | None
    _totals: dict[str, int] = field(factory=dict, init=False)
    _last: dict[str, int] = field(factory=dict, init=False)

    @property
    def redelivered(self) -> int:
        """Messages that were handed out again."""
        return self._totals.get(REDELIVERED, 0)

    @property
    def received(self) -> int:
        """Messages that were published."""
        return self._totals.get(RECEIVED, 0)

    def look(self) -> None:
        """See how far the counters are. A broker that is away is looked at the next time."""
        if self.url is None:
            return
        try:
            page = _page(self.url)
        except (OSError, HTTPException):
            return
        for name in (REDELIVERED, RECEIVED):
            self._see(name, sum(map(int, re.findall(rf"^{name}\S* (\d+)$", page, re.MULTILINE))))

    def _see(self, name: str, value: int) -> None:
        last = self._last.get(name, value)  # what was counted before the first look is not ours
        begun_again = value < last
        self._totals[name] = self._totals.get(name, 0) + (value if begun_again else value - last)
        self._last[name] = value


def _page(url: str) -> str:
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request("GET", parts.path)
        return connection.getresponse().read().decode()
