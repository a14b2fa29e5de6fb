"""A recorded base load, played under the grid clock.

Pure. Time is an argument, and so is the noise. Rules:

- between two points of the profile the load is linear, and from the last point to the first one, too: the profile
  is repeated for ever;
- weekdays fit: what was recorded on a Monday is played on Mondays, if the profile lasts whole weeks (or one day);
- watts are rounded up, so that what is admitted beside them never is too much.
"""

import dataclasses
import math
from bisect import bisect_right
from collections.abc import Sequence

from substation.base_load.basis import Basis
from substation.base_load.calendar import HOUR_MS, MINUTE_MS, GridCalendar
from substation.outlook import BaseLoadOutlook

SLOT_MS = 15 * MINUTE_MS  # a draw of the noise holds for a slot


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """Watts at times: `at_ms` counts from midnight of the Monday of the first point, and rises.

    It lasts for `length_ms` from the first point on, and is then repeated.
    """

    at_ms: tuple[int, ...]
    watts: tuple[float, ...]
    length_ms: int

    def watts_at(self, since_monday_ms: float) -> float:
        """Return the watts at a time that counts as `at_ms` does, however far away."""
        first_ms = self.at_ms[0]
        moment_ms = first_ms + (since_monday_ms - first_ms) % self.length_ms
        after = bisect_right(self.at_ms, moment_ms)
        last = after == len(self.at_ms)
        next_ms = first_ms + self.length_ms if last else self.at_ms[after]
        before_ms, before_w = self.at_ms[after - 1], self.watts[after - 1]
        next_w = self.watts[0] if last else self.watts[after]
        return before_w + (next_w - before_w) * (moment_ms - before_ms) / (next_ms - before_ms)

    def scaled(self, peak_w: float) -> "Profile":
        """Return this profile with another peak. Raises ValueError if it is 0 throughout."""
        highest_w = max(self.watts)
        if not highest_w:
            raise ValueError("a base load of 0 throughout can't be scaled")
        return dataclasses.replace(self, watts=tuple(watts / highest_w * peak_w for watts in self.watts))


@dataclasses.dataclass(frozen=True, slots=True)
class Playback:
    """A profile under the grid's calendar, `shift_ms` later than it was recorded.

    `noise` is standard normal, one draw for each slot, used again and again; a draw of 1 adds the share
    `noise_share` of the load.
    """

    name: str
    profile: Profile
    calendar: GridCalendar
    shift_ms: int = 0
    noise_share: float = 0.0
    noise: Sequence[float] = (0.0,)

    def watts_at(self, grid_ms: int) -> int:
        """Return the base load at a grid time, in watts; never negative."""
        watts = self.profile.watts_at(self.calendar.since_monday_ms(grid_ms) - self.shift_ms)
        return max(0, math.ceil(watts * (1 + self.noise_share * self._noise_at(grid_ms))))

    def basis_at(self, grid_ms: int) -> Basis:  # noqa: ARG002 - as of a meter
        """Return that the profile counts: it never fails."""
        return Basis.SOURCE

    def expect(self, outlook: BaseLoadOutlook) -> None:
        """Ignore a forecast: the profile knows better."""

    def _noise_at(self, grid_ms: int) -> float:
        """Return the noise at a grid time, linear between the slots."""
        slot, within_ms = divmod(grid_ms, SLOT_MS)
        now, then = (self.noise[each % len(self.noise)] for each in (slot, slot + 1))
        return now + (then - now) * within_ms / SLOT_MS


def hours_ms(hours: float) -> int:
    """Return hours in milliseconds."""
    return round(hours * HOUR_MS)
