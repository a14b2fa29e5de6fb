"""The retry budget: retries are a share of the requests, so that an outage is not made worse.

Pure. After Finagle's RetryBudget: every request deposits, every retry withdraws, and a minimum comes back
with time.
"""

import dataclasses

SHARE = 0.2  # of the requests may be retried
MIN_PER_S = 10.0  # at any load
MOST = 100.0  # a burst of retries


@dataclasses.dataclass(slots=True)
class RetryBudget:
    """Tokens for retries; time comes as seconds of a monotonic clock."""

    tokens: float = MOST
    at_s: float = 0.0

    def deposit(self) -> None:
        """Count a request."""
        self.tokens = min(MOST, self.tokens + SHARE)

    def take(self, now_s: float) -> bool:
        """Return whether one retry may be made now."""
        self.tokens = min(MOST, self.tokens + (now_s - self.at_s) * MIN_PER_S)
        self.at_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
