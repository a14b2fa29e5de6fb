"""Whether a car leaves enough room for the base load to come, all through its stay.

Pure. Time comes as grid milliseconds. At the start of each quarter hour of the stay, the upper bound of the base load,
the known plans, what paused sessions are owed and the car's own plan must be within the limit together. Within a quarter
hour plans only free power, so no other moment needs a look.
"""

import dataclasses

from substation.curve import Curve
from substation.plan import Plan

STEP_MS = 15 * 60_000


@dataclasses.dataclass(frozen=True, slots=True)
class BaseLoadOutlook:
    """An upper bound of the base load: watts by the quarter hour, the first of which starts at `first_ms`.

    After the last quarter hour, its bound counts.
    """

    first_ms: int
    upper_w: tuple[int, ...]

    def steps(self, after_ms: int, until_ms: int) -> list[tuple[int, int]]:
        """Return the quarter hours that start after a moment and before another: pairs of (start in ms, watts)."""
        first = max(0, (after_ms - self.first_ms) // STEP_MS + 1)
        last = -((self.first_ms - until_ms) // STEP_MS)
        bounds = self.upper_w
        return [
            (self.first_ms + step * STEP_MS, bounds[min(step, len(bounds) - 1)])
            for step in range(first, last)
        ]


def highest_w(outlook: BaseLoadOutlook, curve: Curve, plan: Plan, now_ms: int) -> int:
    """Return the most that a substation carries at the starts of quarter hours while a car stays that comes now.

    `curve` is the load without the car. 0 when the stay reaches no start.
    """
    steps = outlook.steps(now_ms, now_ms + plan.duration_ms)
    freed_w = curve.releases.freed_by_each([start_ms for start_ms, _ in steps])
    reserved_w = curve.load_w + curve.owed_w
    return max(
        (
            bound_w + reserved_w - gone_w + plan.reserved_w(start_ms - now_ms)
            for (start_ms, bound_w), gone_w in zip(steps, freed_w, strict=True)
        ),
        default=0,
    )
