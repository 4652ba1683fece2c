"""Co-purchases: what was bought by those who bought something."""

from collections.abc import Collection, Sequence
from typing import Protocol


class CoPurchases(Protocol):
    """What buyers have in common. All calls raise UnavailableError when it is out of reach."""

    def bought_with(self, product_ids: Collection[str], limit: int) -> Sequence[str]:
        """The `limit` products that most of the buyers of these have bought as well, none of these among them.

        In the order of the sum of |buyers of both| / sqrt(|buyers of one| * |buyers of the other|) over these, the
        largest first; equal ones by id.
        """
