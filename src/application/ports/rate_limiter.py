"""How often somebody may ask."""

from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class Standing:
    """Where a caller stands with one limit, this request included."""

    whose: str
    """What the limit is for: `key` or `user`."""
    limit: int
    """Requests in a window."""
    remaining: int
    """That are left in this one."""
    resets_in_seconds: float
    exceeded: bool


class RateLimiter(Protocol):
    """Counts requests. A limit of which nothing is known any more lets requests pass; it never fails."""

    @property
    def counts_users(self) -> bool:
        """Whether there is a limit for each user, so that one is worth finding out."""

    async def hit(self, key: str, user_id: str | None) -> Standing | None:
        """Count a request with the key of that name about that user; return the limit that is nearest to its end.

        What is beyond the limit of its key is not counted for its user. None if no limit applies.
        """
