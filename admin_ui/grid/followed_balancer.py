"""Which of the balancers the console follows and calls: the first, and the next one when that is lost.

Pure.
"""

from collections.abc import Sequence


class FollowedBalancer:
    """One of the balancers at `urls`. All of them know the same substations and the same orders of operators."""

    def __init__(self, *urls: str) -> None:
        """`urls` are the base URLs of the balancers, at least one."""
        self._urls: Sequence[str] = urls
        self._at = 0

    @property
    def url(self) -> str:
        """The base URL of the balancer that is followed now."""
        return self._urls[self._at]

    def lost(self) -> None:
        """Follow the next one; a single balancer is followed on."""
        self._at = (self._at + 1) % len(self._urls)
