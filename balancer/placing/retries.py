"""The retry budget: retries are a share of the requests, so that an outage is not made worse.

Pure. After Finagle's RetryBudget: every request deposits, and every retry withdraws. Where there are few requests, a minimum
comes back with time, so that one request alone can be retried too. It is a minimum, and not added to what requests
deposit: under load, a substation gets at most 1 + SHARE calls for a request.
"""

import dataclasses

SHARE = 0.1  # of the requests may be retried
MIN_PER_S = 10.0  # at any load
MOST = 100.0  # a burst of retries


@dataclasses.dataclass(slots=True)
class RetryBudget:
    """Tokens for retries; time comes as seconds of a monotonic clock."""

    tokens: float = MOST
    at_s: float = 0.0
    deposited: float = 0.0  # since then

    def deposit(self) -> None:
        """Count a request."""
        self.tokens = min(MOST, self.tokens + SHARE)
        self.deposited += SHARE

    def take(self, now_s: float) -> bool:
        """Return whether one retry may be made now."""
        lacking = (now_s - self.at_s) * MIN_PER_S - self.deposited
        self.tokens = min(MOST, self.tokens + max(0.0, lacking))
        self.at_s, self.deposited = now_s, 0.0
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
