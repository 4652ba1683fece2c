"""Product changes under way: what makes a change of the catalogue survive a crash."""

from collections.abc import Collection, Sequence
from typing import Protocol

from attrs import frozen

from application.ports.product_catalogue import CataloguePut


@frozen(kw_only=True)
class ProductChange:
    """A change of the catalogue that has begun."""

    id: int
    put: CataloguePut


class ProductChanges(Protocol):
    """Changes that have begun and not ended, at most one a product, beside the log.

    All calls raise TransientError when they cannot be reached.
    """

    def begin(self, puts: Sequence[CataloguePut]) -> None:
        """Note that these are to be put; a product that is changing already is left as it is."""

    def under_way(self, limit: int) -> Sequence[ProductChange]:
        """The oldest changes that have not ended."""

    def product_ids(self) -> Collection[str]:
        """The products of all changes that have not ended."""

    def end(self, change_ids: Collection[int]) -> None:
        """Forget these; ids that are gone already are no error."""
