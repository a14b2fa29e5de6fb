"""The base load as a meter reports it, and what counts while the meter is silent.

Pure. Time comes as grid milliseconds. Rules:

- the newest reading counts until STALE_AFTER intervals have passed without another one;
- after that the upper bound that was forecast for the moment counts;
- without such a bound the highest reading of the 24 hours before counts, so that admissions stay on the safe side;
- with no reading in those 24 hours, the newest one counts, or what the meter began with.
"""

import dataclasses

from substation.base_load.basis import Basis
from substation.base_load.calendar import HOUR_MS
from substation.outlook import BaseLoadOutlook

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

    One thread may take readings or a forecast while another asks: each change replaces one of them as a whole.
    """

    name = "meter"

    def __init__(self, interval_ms: int, known_w: int = 0) -> None:
        self._interval_ms = interval_ms
        self.readings = Readings(known_w)
        self._outlook = BaseLoadOutlook()

    def take(self, watts: int, at_ms: int) -> bool:
        """Take a reading of a grid time; returns whether it is newer than the one before."""
        last_ms = self.readings.at_ms
        if last_ms is not None and at_ms <= last_ms:
            return False
        self.readings = self.readings.with_reading(watts, at_ms)
        return True

    def expect(self, outlook: BaseLoadOutlook) -> None:
        """Take a forecast, in the place of the one before."""
        self._outlook = outlook

    def watts_at(self, grid_ms: int) -> int:
        """Return the base load that counts at a grid time, in watts."""
        return self._counting(grid_ms)[0]

    def basis_at(self, grid_ms: int) -> Basis:
        """Return what counts at a grid time."""
        return self._counting(grid_ms)[1]

    def _counting(self, grid_ms: int) -> tuple[int, Basis]:
        readings = self.readings
        if readings.at_ms is not None and grid_ms - readings.at_ms <= STALE_AFTER * self._interval_ms:
            return readings.watts, Basis.SOURCE
        if (upper_w := self._outlook.upper_at(grid_ms)) is not None:
            return upper_w, Basis.FORECAST
        oldest = grid_ms // HOUR_MS - HOURS_KEPT
        if recent_w := [watts for hour, watts in readings.highest_w if hour >= oldest]:
            return max(recent_w), Basis.HIGHEST_READING
        return readings.watts, Basis.LAST_KNOWN
