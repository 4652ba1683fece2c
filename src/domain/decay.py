"""Exponential decay on event time: what is older counts less."""

import math

import numpy as np
import numpy.typing as npt
from attrs import field, frozen, validators

from domain.instant import MICROSECONDS_PER_DAY


@frozen(kw_only=True)
class Decay:
    """The weight of an event falls by the factor exp(-rate) each day."""

    rate_per_day: float = field(converter=float, validator=[validators.ge(0.0), validators.lt(math.inf)])

    @classmethod
    def of_half_life(cls, days: float) -> "Decay":
        """The decay with this half-life; infinite: none."""
        return cls(rate_per_day=math.log(2) / days)

    @property
    def half_life_days(self) -> float:
        """Days until half of the weight is left; infinite without decay."""
        return math.log(2) / self.rate_per_day if self.rate_per_day else math.inf

    def factors(self, elapsed_us: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """What is left after `elapsed_us` microseconds, elementwise: 1 at 0, towards 0 later.

        Parameters
        ----------
        elapsed_us : ndarray of any shape, int64, each at least 0.
        """
        factors: npt.NDArray[np.float64] = np.exp(elapsed_us * (-self.rate_per_day / MICROSECONDS_PER_DAY))
        return factors
