"""Grid time: runs `scale` times as fast as the wall clock, on through restarts, and never back.

Pure. The clocks of the machine are arguments.
"""

import dataclasses
import math

from substation.plan import MS_PER_S


@dataclasses.dataclass(frozen=True, slots=True)
class ClockReading:
    """A grid time, the wall time at that moment, and the scale from then on (0: not known)."""

    grid_ms: int
    unix_ms: int
    scale: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class GridClock:
    """Grid milliseconds from a monotonic clock; `scale` grid seconds pass in one wall second.

    Grid time 0 is a Monday, `day_starts_ms` after midnight.
    """

    start_ms: int
    start_monotonic_s: float
    scale: float
    day_starts_ms: int = 0

    @classmethod
    def resume(
        cls,
        stored: ClockReading,
        now_unix_ms: int,
        now_monotonic_s: float,
        scale: float,
        day_starts_ms: int = 0,
    ) -> "GridClock":
        """Go on from a stored grid time, from now on at `scale`.

        The time since then counts by the scale that was in force. A wall clock that was set back counts as no time.
        """
        passed_ms = max(0, now_unix_ms - stored.unix_ms)
        return cls(
            stored.grid_ms + int(passed_ms * (stored.scale or scale)), now_monotonic_s, scale, day_starts_ms
        )

    def at(self, monotonic_s: float) -> int:
        """Return the grid time at a moment of the monotonic clock."""
        return self.start_ms + int((monotonic_s - self.start_monotonic_s) * self.scale * MS_PER_S)

    def calendar_s(self, grid_ms: int) -> int:
        """Return a grid time in whole seconds since 00:00 of a Monday."""
        return (self.day_starts_ms + grid_ms) // MS_PER_S

    def wall_ms(self, grid_ms: int) -> int:
        """Return how many wall milliseconds a span of grid time takes, rounded up."""
        return math.ceil(grid_ms / self.scale)
