"""What an evaluation wants predicted: products that users bought after a moment, new ones and repeats apart."""

from collections.abc import Mapping

import numpy as np
from attrs import evolve, frozen

from application.past import Pairs, Past
from domain.decayed_sums import Integers
from domain.event_columns import EventColumns
from domain.ranking import Mask

DISCOVERIES = "discoveries"
FIRST_DISCOVERY = "first discovery"
REPEATS = "repeats"


@frozen(kw_only=True, eq=False)
class Shelf:
    """A kind of list, its users, and what in it is relevant.

    Parameters
    ----------
    of_bought : whether it holds exactly what the user had bought, or exactly all else.
    users : those with enough events before the moment and something relevant after it that can be found, ascending.
    targets : the relevant products by the name of the target.
    """

    of_bought: bool
    users: Integers
    targets: Mapping[str, Pairs]

    def allowed(self, past: Past, users: Integers) -> Mask:
        """Which products may be in the lists of these users. One without a vector is not recommended."""
        bought = past.bought.mask(users)
        return (bought if self.of_bought else ~bought) & past.has_vector[past.candidates]

    def sample(self, most_users: int, seed: int) -> "Shelf":
        """The same for so many users at the most, drawn by lot."""
        if len(self.users) <= most_users:
            return self
        drawn = np.random.default_rng(seed).choice(self.users, most_users, replace=False)
        return evolve(self, users=np.sort(drawn))


def new_products(past: Past, future: EventColumns, min_events: int) -> Shelf:
    """Discoveries: all products that the user bought after the moment and not before, and the first of them alone."""
    purchases = _of_active(past, future.purchases(), min_events)
    discovered = past.pairs(purchases).without(past.bought)
    return Shelf(
        of_bought=False,
        users=_findable(past, discovered),
        targets={DISCOVERIES: discovered, FIRST_DISCOVERY: _first(past, purchases, discovered)},
    )


def bought_again(past: Past, future: EventColumns, min_events: int) -> Shelf:
    """Repeats: what the user bought before and after."""
    repeats = past.pairs(_of_active(past, future.purchases(), min_events)).common(past.bought)
    return Shelf(of_bought=True, users=_findable(past, repeats), targets={REPEATS: repeats})


def _findable(past: Past, relevant: Pairs) -> Integers:
    """The users of whose relevant products one has a vector at least: nobody could find anything for the others."""
    return np.unique(relevant.users[past.has_vector[past.candidates][relevant.products]])


def _of_active(past: Past, events: EventColumns, min_events: int) -> EventColumns:
    return events.where(past.events_by_user()[events.users] >= min_events)


def _first(past: Past, purchases: EventColumns, discovered: Pairs) -> Pairs:
    """The discovered product that each user bought first."""
    columns = {product: column for column, product in enumerate(past.candidates.tolist())}
    wanted = set(zip(discovered.users.tolist(), discovered.products.tolist(), strict=True))
    first: dict[int, int] = {}
    for user, product in zip(purchases.users.tolist(), purchases.subjects.tolist(), strict=True):
        column = columns.get(product, -1)
        if user not in first and (user, column) in wanted:
            first[user] = column
    users, products = np.array(sorted(first.items()), dtype=np.int64).reshape(-1, 2).T
    return Pairs(users=users, products=products, width=discovered.width)
