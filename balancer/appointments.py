"""Who was told to come back, and when: so that not all are told the same moment.

Pure. Nothing is reserved for them. Whoever comes first is served first; but the next one who is refused is
told a moment at which there is room for it and for all who were told before it.
"""

import dataclasses
import heapq

MOST = 10_000  # beyond that nobody more is counted


@dataclasses.dataclass
class Appointments:
    """Those who will come back to one substation; time is in seconds of a monotonic clock."""

    ahead_w: int = 0  # what they will ask for
    _due: list[tuple[float, int]] = dataclasses.field(default_factory=list)

    def make(self, at_s: float, demand_w: int) -> None:
        """Count on somebody to come back at a moment."""
        if len(self._due) < MOST:
            heapq.heappush(self._due, (at_s, demand_w))
            self.ahead_w += demand_w

    def pass_time(self, now_s: float) -> None:
        """Forget those who are back, or should be."""
        while self._due and self._due[0][0] <= now_s:
            self.ahead_w -= heapq.heappop(self._due)[1]
