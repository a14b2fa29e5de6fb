"""Grid time: runs `scale` times as fast as the wall clock, on through restarts, and never back."""

import dataclasses
import math

from substation.plan import MS_PER_S


@dataclasses.dataclass(frozen=True, slots=True)
class GridClock:
    """Grid milliseconds from a monotonic clock; `scale` grid seconds pass in one wall second."""

    start_ms: int
    start_monotonic_s: float
    scale: float

    @classmethod
    def resume(
        cls, stored_ms: int, stored_unix_ms: int, now_unix_ms: int, now_monotonic_s: float, scale: float
    ) -> "GridClock":
        """Go on from a stored grid time: what passed meanwhile counts, a wall clock set back does not."""
        passed_ms = max(0, now_unix_ms - stored_unix_ms)
        return cls(stored_ms + int(passed_ms * scale), now_monotonic_s, scale)

    def at(self, monotonic_s: float) -> int:
        """Return the grid time at a moment of the monotonic clock."""
        return self.start_ms + int((monotonic_s - self.start_monotonic_s) * self.scale * MS_PER_S)

    def wall_ms(self, grid_ms: int) -> int:
        """Return how many wall milliseconds a span of grid time takes, rounded up."""
        return math.ceil(grid_ms / self.scale)
