"""When a refused request would fit beside the promises made before it, and in how many seconds it should return.

Pure: time comes as seconds of a monotonic clock.
"""

import math
import operator
from typing import NamedTuple

from balancer.contract import Charge
from balancer.fleet.member import Member
from balancer.fleet.view import BaseLoads
from balancer.placing.returns.promises import Promises
from balancer.placing.returns.timetable import Opening, Timetable

AT_ONCE = 10  # callers that return in the same second at one substation; the next ones come a second later,
MOST_LOOKED_AT = 8  # substations whose base load to come counts: each takes 0.1 ms
SPREAD_SHARE = 0.1  # unless that adds more than this share to their wait


class _Look(NamedTuple):
    """A substation; when a request fits there for the first time beside no promise, and the base load to come, if it counts."""

    alone_s: float | None
    name: str
    member: Member
    base: BaseLoads | None


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
        self,
        charge: Charge,
        number: int,
        admitting: list[tuple[str, Member]],
        base: BaseLoads | None,
        now_s: float,
    ) -> tuple[float, str, Member] | None:
        """Return when and where a request fits first beside the promises made before it.

        `base` has the base loads to come, None where they are not known. They count at MOST_LOOKED_AT substations: those at
        which plans free enough power first.
        """
        demand_w, found = charge.plan.power_w, None
        alone = [(member.fits_in_s(demand_w, now_s), name, member) for name, member in admitting]
        alone.sort(key=lambda each: (math.inf if each[0] is None else each[0], each[1]))
        looks = [_Look(*each, None) for each in alone]
        if base:
            looks[:MOST_LOOKED_AT] = [
                _Look(_fits_in_s(member, base, demand_w, now_s), name, member, base)
                for _, name, member in alone[:MOST_LOOKED_AT]
            ]
        known = [(look.alone_s, look) for look in looks if look.alone_s is not None]
        for alone_s, look in sorted(known, key=operator.itemgetter(0)):
            if found and now_s + alone_s >= found[0]:
                break
            start_s = self._fit_s(charge, number, look, now_s)
            if start_s is not None and (not found or start_s < found[0]):
                found = (start_s, look.name, look.member)
        return found

    def _fit_s(self, charge: Charge, number: int, look: "_Look", now_s: float) -> float | None:
        _, name, member, base = look
        timetable = self._promises.at(name) or Timetable()
        stay_s = max(self.stay_s(charge, member, base), base.least_stay_s(member) if base else 0.0)
        stay_s += self._poll_s + 1  # with the slack of `spread`
        for outstanding in (True, False):
            openings = _openings(member, base, now_s, outstanding=outstanding)
            found = timetable.first_fit_s(openings, charge.plan.power_w, stay_s, number)
            if found is not None:
                return found
        return None

    def stay_s(self, charge: Charge, member: Member, base: BaseLoads | None) -> float:
        """Return for how many wall seconds a request will take power.

        Until something was admitted the time scale is not known. Then a typical stay is assumed: twice the
        time in which half of the substation's load is freed.
        """
        if self.time_scale:
            return charge.plan.duration_ms / 1000 / self.time_scale
        if base:
            return base.wall_s(charge.plan.duration_ms)
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


def _fits_in_s(member: Member, base: BaseLoads, demand_w: int, now_s: float) -> float | None:
    """Return the seconds until a request fits for the first time, however briefly; None if it never does."""
    openings = _openings(member, base, now_s, outstanding=False)
    return next((at_s - now_s for at_s, free_w in openings if free_w >= demand_w), None)


def _openings(member: Member, base: BaseLoads | None, now_s: float, *, outstanding: bool) -> list[Opening]:
    """Return the power that the known plans leave free beside the base load to come: from which moment on how many watts."""
    plans: list[Opening] = [*member.openings(now_s, outstanding=outstanding)]
    if not base or not (rises := base.rises(member)):
        return plans
    found, at_plan, rise_w = list[Opening](), 0, 0.0
    by_plans = [(at_s, 0, 0.0) for at_s, _ in plans]
    changes = sorted(by_plans + [(at_s, 1, more_w) for at_s, more_w in rises])
    for at_s, by_base, more_w in changes:
        if by_base:
            rise_w = more_w
        else:
            at_plan += 1
        if at_plan:
            found.append((at_s, plans[at_plan - 1][1] - rise_w))
    return found
