"""Many interactions as columns of numbers: what is computed over a whole log at once."""

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from domain.decayed_sums import Integers
from domain.interaction import EventType

TYPES = tuple(EventType)
"""The event types by their number in `EventColumns.types`."""

NEVER_RETRACTED_US = 2**62


@frozen(kw_only=True, eq=False)
class EventColumns:
    """Interactions in the order in which they occurred, of equal times in that of their recording.

    Parameters
    ----------
    user_ids, product_ids, phrases : the names behind the numbers, each sorted.
    users : ndarray of shape (n,), int64: the place of the user in `user_ids`.
    subjects : ndarray of shape (n,), int64: the place of the product, or len(product_ids) and that of the phrase.
    types : ndarray of shape (n,), int64: the place of the type in TYPES.
    times_us : ndarray of shape (n,), int64: when it occurred, ascending.
    retracted_us : ndarray of shape (n,), int64: when it was taken back; NEVER_RETRACTED_US where it was not.
    """

    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    phrases: tuple[str, ...]
    users: Integers
    subjects: Integers
    types: Integers
    times_us: Integers
    retracted_us: Integers

    def __len__(self) -> int:
        return len(self.times_us)

    def until(self, at_us: int) -> "EventColumns":
        """What was known right before a moment: the events before it that had not been taken back by then.

        What took them back later is not known yet.
        """
        known = self.where((self.times_us < at_us) & (self.retracted_us >= at_us))
        return evolve(known, retracted_us=np.full(len(known), NEVER_RETRACTED_US))

    def since(self, at_us: int) -> "EventColumns":
        """What occurred at a moment or after it, and was never taken back."""
        return self.where((self.times_us >= at_us) & (self.retracted_us == NEVER_RETRACTED_US))

    def purchases(self) -> "EventColumns":
        """The purchases among them."""
        return self.where(self.types == TYPES.index(EventType.PURCHASE))

    def where(self, chosen: npt.NDArray[np.bool_] | Integers) -> "EventColumns":
        """Those that are chosen: ndarray of shape (n,), bool; or their rows, in another order maybe."""
        return evolve(
            self,
            users=self.users[chosen],
            subjects=self.subjects[chosen],
            types=self.types[chosen],
            times_us=self.times_us[chosen],
            retracted_us=self.retracted_us[chosen],
        )

    def time_of_share(self, share: float) -> int:
        """The moment before which `share` of the events lie, or a little less where many occurred at once."""
        return int(self.times_us[min(int(share * len(self)), len(self) - 1)])
