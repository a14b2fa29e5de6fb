"""The power that is kept free for the base load to come.

Pure. Time comes as grid milliseconds. Kept is what the base load may rise by within the next HORIZON_MS, less what the
known plans free until then. Within a quarter hour plans only free power, so only its start is looked at. Rules
(docs/adr/0036):

- the upper bounds of a forecast count while they are fresh, which is until FRESH_STEPS quarter hours have passed since their first;
- without fresh ones a share of the limit is kept.
"""

import dataclasses

from substation.contract import MOST_W, Foresee
from substation.curve import Curve

STEP_MS = 15 * 60_000
HORIZON_MS = 4 * 3_600_000
FRESH_STEPS = 4
MARGIN = 0.06  # of the limit: refuses about as many cars as the forecast does
MOST_STEPS = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class BaseLoadOutlook:
    """Upper bounds of the base load: watts by the quarter hour, the first of which starts at `first_ms`.

    After the last quarter hour, its bound counts for what is kept free. Without bounds, none is fresh.
    """

    first_ms: int = 0
    upper_w: tuple[int, ...] = ()

    @classmethod
    def of(cls, foresee: Foresee, day_starts_ms: int) -> "BaseLoadOutlook | None":
        """Return the outlook that a balancer tells, None for one that can't be true.

        Grid time 0 is `day_starts_ms` after the midnight from which the calendar counts.
        """
        plausible = 0 < len(foresee.upper_w) <= MOST_STEPS and all(0 <= w <= MOST_W for w in foresee.upper_w)
        if not plausible or not 0 <= foresee.first_slot <= MOST_W:
            return None
        return cls(foresee.first_slot * STEP_MS - day_starts_ms, foresee.upper_w)

    def fresh_at(self, now_ms: int) -> bool:
        """Whether the bounds are new enough to be used."""
        return bool(self.upper_w) and 0 <= now_ms - self.first_ms < FRESH_STEPS * STEP_MS

    def upper_at(self, grid_ms: int) -> int | None:
        """Return the upper bound at a grid time; None before the first quarter hour, and when the last one is over."""
        step = (grid_ms - self.first_ms) // STEP_MS
        return self.upper_w[step] if 0 <= step < len(self.upper_w) else None

    def kept_w(self, curve: Curve, base_w: int, now_ms: int) -> int:
        """Return the watts that no new car gets beside base load and load: at `now_ms`, with a base load of `base_w`."""
        if not self.fresh_at(now_ms):
            return round(MARGIN * curve.capacity_w)
        passed_ms = now_ms - self.first_ms
        steps = range(passed_ms // STEP_MS + 1, (passed_ms + HORIZON_MS) // STEP_MS + 1)
        starts_ms = [self.first_ms + step * STEP_MS for step in steps]
        gone_w, *freed_w = curve.releases.freed_by_each([now_ms, *starts_ms])
        bounds_w = [self.upper_w[min(step, len(self.upper_w) - 1)] for step in steps]
        highest_w = max(bound_w - free_w for bound_w, free_w in zip(bounds_w, freed_w, strict=True))
        return max(0, highest_w + gone_w - base_w)
