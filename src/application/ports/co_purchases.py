"""Co-purchases: what was bought by those who bought something."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.decay import Decay

BUYERS = 100
"""Of each product: those who bought it last. They are a sample that ranks as well as all of them would."""


class CoPurchases(Protocol):
    """What buyers have in common. All calls raise UnavailableError when it is out of reach."""

    def bought_with(self, product_ids: Collection[str], at: datetime, decay: Decay, limit: int) -> Sequence[str]:
        """The `limit` products that the last BUYERS of these have bought as well.

        In the order of the sum over these of shared / sqrt(buyers * all buyers of the other), the largest first, equal
        ones by id: `shared` is the sum over the buyers of what `decay` has left at `at` of their last purchase of the
        one, times what it has left of that of the other. None of these is among them but for another of these.
        """
