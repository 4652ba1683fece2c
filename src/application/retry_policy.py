"""How often a delivery is tried again, and after how long."""

from datetime import timedelta
from typing import Self

from attrs import field, frozen
from attrs.validators import min_len


@frozen(kw_only=True)
class RetryPolicy:
    """How often a delivery is tried again, and after how long.

    Parameters
    ----------
    delays_ms : what is waited before the first retry, the second, and so on; the first also where something is put off
        without being tried.
    max_retries : how many of them are used.
    """

    delays_ms: tuple[int, ...] = field(validator=min_len(1))
    max_retries: int = field()

    @max_retries.default
    def _as_many_as_delays(self) -> int:
        return len(self.delays_ms)

    @classmethod
    def doubling(cls, *, max_retries: int = 5, delay_ms: int = 5_000) -> Self:
        """`delay_ms`, then twice that, and so on."""
        delays_ms = tuple(delay_ms * 2**attempt for attempt in range(max(max_retries, 1)))
        return cls(delays_ms=delays_ms, max_retries=max_retries)

    def delay_after(self, attempts: int) -> timedelta:
        """How long to wait after that many failures before this one."""
        return timedelta(milliseconds=self.delays_ms[attempts])

    def gives_up_after(self, attempts: int) -> bool:
        """Whether a delivery that had failed that often before is dead with one failure more."""
        return attempts >= self.max_retries
