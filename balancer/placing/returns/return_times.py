"""When a refused request would fit beside the promises made before it, and in how many seconds it should return.

Pure: time comes as seconds of a monotonic clock.
"""

import math

from balancer.contract import Charge
from balancer.fleet.member import Member
from balancer.placing.returns.promises import Promises
from balancer.placing.returns.timetable import Timetable

AT_ONCE = 10  # callers that return in the same second at one substation; the next ones come a second later,
SPREAD_SHARE = 0.1  # unless that adds more than this share to their wait


class ReturnTimes:
    """Computes return times; learns from admissions how many wall seconds a plan takes.

    `poll_s` is the interval of the polls: the view is up to that old. `time_scale` is how many grid seconds pass in a
    wall second, None until it is known.
    """

    def __init__(self, promises: Promises, poll_s: float) -> None:
        self._promises = promises
        self._poll_s = poll_s
        self.time_scale: float | None = None

    def learn(self, charge: Charge, wall_s: float) -> None:
        """Learn the time scale from a request that was admitted for `wall_s` seconds."""
        self.time_scale = charge.plan.duration_ms / 1000 / wall_s

    def first_fit(
        self, charge: Charge, number: int, admitting: list[tuple[str, Member]], now_s: float
    ) -> tuple[float, str, Member] | None:
        """Return when and where a request fits first beside the promises made before it."""
        demand_w, found = charge.plan.power_w, None
        alone = [(member.fits_in_s(demand_w, now_s), name, member) for name, member in admitting]
        for alone_s, name, member in sorted((s, n, m) for s, n, m in alone if s is not None):
            if found and now_s + alone_s >= found[0]:
                break
            start_s = self._fit_s(charge, number, (name, member), now_s)
            if start_s is not None and (not found or start_s < found[0]):
                found = (start_s, name, member)
        return found

    def _fit_s(self, charge: Charge, number: int, at: tuple[str, Member], now_s: float) -> float | None:
        name, member = at
        timetable = self._promises.at(name) or Timetable()
        stay_s = self.stay_s(charge, member) + self._poll_s + 1  # with the slack of `spread`
        for outstanding in (True, False):
            openings = member.openings(now_s, outstanding=outstanding)
            found = timetable.first_fit_s(openings, charge.plan.power_w, stay_s, number)
            if found is not None:
                return found
        return None

    def stay_s(self, charge: Charge, member: Member) -> float:
        """Return for how many wall seconds a request will take power.

        Until something was admitted the time scale is not known. Then a typical stay is assumed: twice the
        time in which half of the substation's load is freed.
        """
        if self.time_scale:
            return charge.plan.duration_ms / 1000 / self.time_scale
        return 2 * member.half_freed_s()

    def spread(self, timetable: Timetable, fit_s: float, now_s: float) -> float:
        """Return the wait of a request that fits in `fit_s`: one poll longer, and spread over the seconds.

        One poll is added because the view is that old, and the caller counts in whole seconds.
        """
        wait_s = math.ceil(fit_s + self._poll_s)
        latest_s = wait_s + SPREAD_SHARE * fit_s
        while wait_s + 1 <= latest_s and timetable.near(now_s + wait_s) >= AT_ONCE:
            wait_s += 1
        return float(wait_s)
