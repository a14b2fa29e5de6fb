"""The time of day on the axis and in the tables of a plot.

Pure.
"""

import dataclasses
import math

from loadtest.plan import clock

STEPS_H = (0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)
MOST = 9  # times of day that fit below a plot


@dataclasses.dataclass(frozen=True, slots=True)
class DayClock:
    """The grid's clock during a run: the time of day at its beginning, in hours, and its time scale."""

    starts_h: float
    time_scale: float

    def text(self, at_s: float) -> str:
        """Return the time of day so many seconds after the beginning of the run."""
        return clock.write(self.starts_h + at_s * self.time_scale / clock.S_PER_HOUR)

    def ticks(self, until_s: float) -> list[tuple[float, str]]:
        """Return round times of day from the beginning to `until_s`, each with its second."""
        hours = until_s * self.time_scale / clock.S_PER_HOUR
        step_h = next((each for each in STEPS_H if hours / each <= MOST), hours / MOST)
        first = math.ceil(self.starts_h / step_h - 1e-9)
        last = math.floor((self.starts_h + hours) / step_h + 1e-9)
        marks_h = [number * step_h for number in range(first, last + 1)]
        return [
            ((each - self.starts_h) * clock.S_PER_HOUR / self.time_scale, clock.write(each))
            for each in marks_h
        ]
