"""The grid's calendar as seen from this machine's monotonic clock.

Pure. A quarter hour is counted as balancer/forecast/calendar_days.py does: from 00:00 of a Monday.
"""

import dataclasses

from balancer.forecast.calendar_days import SLOT_MS, SLOTS

MS = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class GridTime:
    """At `at_s` of the monotonic clock it is `calendar_ms` of the grid's calendar; `scale` grid seconds pass in a second."""

    calendar_ms: int
    at_s: float
    scale: float

    def slot_at(self, monotonic_s: float) -> int:
        """Return the quarter hour in which a moment is."""
        return int((self.calendar_ms + (monotonic_s - self.at_s) * self.scale * MS) // SLOT_MS)

    def start_s(self, slot: int) -> float:
        """Return the moment at which a quarter hour starts."""
        return self.at_s + (slot * SLOT_MS - self.calendar_ms) / (self.scale * MS)

    def wall_s(self, grid_ms: int) -> float:
        """Return the seconds that a span of grid time takes."""
        return grid_ms / (self.scale * MS)


def clock_label(slot: int) -> str:
    """Return the time of day at which a quarter hour starts, such as `18:30`."""
    hour, quarter = divmod(slot % SLOTS, 4)
    return f"{hour:02}:{quarter * 15:02}"
