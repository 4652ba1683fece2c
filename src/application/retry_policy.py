"""How often a delivery is tried again, and after how long."""

from datetime import timedelta

from attrs import frozen


@frozen(kw_only=True)
class RetryPolicy:
    """How often a delivery is tried again, and after how long: `delay_ms`, then twice that, and so on."""

    max_retries: int = 5
    delay_ms: int = 5_000

    def delay_after(self, attempts: int) -> timedelta:
        """How long to wait after that many failures before this one."""
        return timedelta(milliseconds=self.delay_ms * 2**attempts)

    def gives_up_after(self, attempts: int) -> bool:
        """Whether a delivery that had failed that often before is dead with one failure more."""
        return attempts >= self.max_retries
