"""The base load as a meter reports it, and what counts while the meter is silent.

Pure. Time comes as grid milliseconds. Rules:

- the newest reading counts until STALE_AFTER intervals have passed without another one;
- after that the highest reading of the 24 hours before counts, so that admissions stay on the safe side;
- with no reading in those 24 hours, the newest one counts, or what the meter began with.
"""

import dataclasses

from substation.base_load.calendar import HOUR_MS

STALE_AFTER = 3  # intervals
HOURS_KEPT = 24


@dataclasses.dataclass(frozen=True, slots=True)
class Readings:
    """The newest reading in watts with its time (None: none yet), and the highest one of each hour."""

    watts: int
    at_ms: int | None = None
    highest_w: tuple[tuple[int, int], ...] = ()  # (hour of grid time, watts), the last HOURS_KEPT hours

    def with_reading(self, watts: int, at_ms: int) -> "Readings":
        """Return these readings and one more, which is newer."""
        hour = at_ms // HOUR_MS
        highest = {each: most_w for each, most_w in self.highest_w if each > hour - HOURS_KEPT}
        highest[hour] = max(watts, highest.get(hour, 0))
        return Readings(watts, at_ms, tuple(highest.items()))


class Meter:
    """A meter that sends a reading every `interval_ms`; `known_w` counts before the first.

    One thread may take readings while another asks: each change replaces `readings` as a whole.
    """

    name = "meter"

    def __init__(self, interval_ms: int, known_w: int = 0) -> None:
        self._interval_ms = interval_ms
        self.readings = Readings(known_w)

    def take(self, watts: int, at_ms: int) -> bool:
        """Take a reading of a grid time; returns whether it is newer than the one before."""
        last_ms = self.readings.at_ms
        if last_ms is not None and at_ms <= last_ms:
            return False
        self.readings = self.readings.with_reading(watts, at_ms)
        return True

    def stale_at(self, grid_ms: int) -> bool:
        """Whether no reading has come for so long that the newest one no longer counts."""
        at_ms = self.readings.at_ms
        return at_ms is None or grid_ms - at_ms > STALE_AFTER * self._interval_ms

    def watts_at(self, grid_ms: int) -> int:
        """Return the base load that counts at a grid time, in watts."""
        readings = self.readings
        if not self.stale_at(grid_ms):
            return readings.watts
        oldest = grid_ms // HOUR_MS - HOURS_KEPT
        return max((watts for hour, watts in readings.highest_w if hour >= oldest), default=readings.watts)
