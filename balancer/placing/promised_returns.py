"""The promises of Retry-After: which request comes back to which substation, and when.

Pure: time comes as seconds of a monotonic clock. Rules (docs/adr/0018):

- a refused request is told the first moment at which the known plans leave room for its whole stay. Earlier
  promises count as taken, from their moments until the ends of their plans;
- there is one promise for each key or vehicle. It is replaced when the same caller asks again, who keeps its
  place in the order; it is dropped when the request is admitted, and lapses `LATE_S` after its moment;
- no later request gets power that the promise needs at its moment. That power is scaled by the share of callers
  who came back recently, so that promises to callers who don't come back cost next to nothing;
- a promise of more than a quarter of a substation keeps no power, so that large requests can't close a fleet
  that is nearly empty. They can wait in the waiting room, where each keeps at most one substation;
- power that is freed earlier than planned goes to the next request, and is not kept for promises;
- a substation that can't admit (ejected, stream down, draining) promises nothing.
"""

import dataclasses
import itertools
import math

from balancer.contract import Charge
from balancer.fleet.member import Member
from balancer.fleet.view import Fleet
from balancer.placing.timetable import Promise, Timetable, fits_beside

UNKNOWN_WAIT_S = 60.0  # when no plan says when there will be room
BLIND_WAIT_S = 2.0  # when no substation can be asked: a start or an outage
LATE_S = 2.0  # how long a promise is kept for a caller who is late
# Room may come earlier than expected, because the view is coarse: by DUE_S, or by DUE_SHARE of the wait, which is the
# distance between two points of a release schedule.
DUE_S = 3.0
DUE_SHARE = 0.25
MOST_SHARE = 0.25  # of a capacity; no power is kept for larger promises, which are made even at a low load
RECENT = 50  # about how many promises count for the share of callers who come back
MOST = 1000  # remembered promises of one substation; further callers are told a wait that is not counted
AT_ONCE = 10  # callers that are told the same second at one substation; the next ones come a second later,
SPREAD_SHARE = 0.1  # unless that adds more than this share to their wait
UNKNOWN_SPREAD_S = 10  # callers whose wait follows from no plan are spread over this many seconds


class PromisedReturns:
    """All promises, and the power that is kept for them."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._by_who: dict[str, Promise] = {}
        self._timetables: dict[str, Timetable] = {}
        self._numbers = itertools.count(1)
        self._turns = itertools.count()
        self._time_scale: float | None = None  # grid seconds in a wall second
        self._come_back = 1.0  # the share of callers who came back recently
        self._seated: set[str] = set()  # requests that are being placed; their power counts as outstanding

    def __len__(self) -> int:
        """Return how many promises there are."""
        return len(self._by_who)

    def promise(self, charge: Charge, now_s: float, *, waits: bool = False) -> float:
        """Promise a refused request a moment; return in how many whole seconds it should come back.

        A request that `waits` in the waiting room does not have to come back.
        """
        number = self._replaced(charge, now_s)
        admitting = self._fleet.admitting(charge.substations, now_s)
        if not admitting:
            return BLIND_WAIT_S + next(self._turns) % BLIND_WAIT_S
        found = self._first_fit(charge, number, admitting, now_s)
        if not found:
            return UNKNOWN_WAIT_S + next(self._turns) % UNKNOWN_SPREAD_S
        start_s, name, member = found
        timetable = self._timetables.setdefault(name, Timetable())
        wait_s = self._spread(timetable, start_s - now_s, now_s)
        if len(timetable.promises) < MOST:
            stay_s = self._stay_s(charge, member)
            promise = _promised(charge, number, name, (now_s, start_s, now_s + wait_s), stay_s)
            self._by_who[promise.who] = dataclasses.replace(promise, waits=waits)
            timetable.add(self._by_who[promise.who])
        return wait_s

    def seated(self, charge: Charge) -> None:
        """Stop keeping power for a request, because it is being placed."""
        if who(charge) in self._by_who:
            self._seated.add(who(charge))

    def admitted(self, charge: Charge, wall_s: float) -> None:
        """Drop the promise of a request that was admitted for `wall_s` seconds; 0 if that is not known."""
        if promise := self._by_who.get(who(charge)):
            self._count(promise, came=True)
        self.drop(charge)
        if wall_s > 0:
            self._time_scale = charge.plan.duration_ms / 1000 / wall_s

    def drop(self, charge: Charge) -> None:
        """Drop the promise of a request."""
        if promise := self._by_who.get(who(charge)):
            self._drop(promise)

    def promised(self, charge: Charge) -> str | None:
        """Return the substation that was promised to a request, None if there is no promise."""
        promise = self._by_who.get(who(charge))
        return promise.target if promise else None

    def leaves_room(self, name: str, charge: Charge, now_s: float) -> bool:
        """Whether a request may take power at a substation now without taking it from earlier promises.

        Each earlier promise needs its power at its own moment, scaled by the share of callers who come back.
        """
        timetable, member = self._timetables.get(name), self._fleet.members.get(name)
        if not timetable or not member:
            return True
        own = self._by_who.get(who(charge))
        before, gone_s = own.number if own else math.inf, now_s + self._stay_s(charge, member)
        most_w = MOST_SHARE * member.report.capacity_w
        ahead = [
            promise
            for promise in timetable.promises
            if promise.number < before
            and promise.at_s <= gone_s
            and promise.demand_w <= most_w
            and promise.who not in self._seated
        ]
        return fits_beside(ahead, member, charge.plan.power_w, now_s, self._come_back)

    def kept_w(self, name: str, now_s: float) -> float:
        """Return the watts at a substation that requests which come later don't get: callers are due for them now."""
        timetable, member = self._timetables.get(name), self._fleet.members.get(name)
        if not timetable or not member:
            return 0.0
        most_w = MOST_SHARE * member.report.capacity_w
        due = (
            promise.demand_w
            for promise in timetable.promises
            if promise.due_from_s <= now_s and promise.demand_w <= most_w and promise.who not in self._seated
        )
        return self._come_back * sum(due)

    def pass_time(self, now_s: float) -> None:
        """Drop the promises whose callers did not come back."""
        for name, timetable in list(self._timetables.items()):
            while timetable.promises and timetable.promises[0].at_s + LATE_S < now_s:
                self._count(timetable.promises[0], came=False)
                self._drop(timetable.promises[0])
            if not timetable.promises:
                del self._timetables[name]

    def _drop(self, promise: Promise) -> None:
        del self._by_who[promise.who]
        self._seated.discard(promise.who)
        self._timetables[promise.target].drop(promise)

    def _count(self, promise: Promise, *, came: bool) -> None:
        if not promise.waits:
            self._come_back += (came - self._come_back) / RECENT

    def _replaced(self, charge: Charge, now_s: float) -> int:
        """Drop the former promise of a request; returns the place that it keeps in the order."""
        self.pass_time(now_s)
        former = self._by_who.get(who(charge))
        if not former:
            return next(self._numbers)
        if former.at_s - 1 < now_s:  # an early return says nothing about the share who come back
            self._count(former, came=True)
        self._drop(former)
        return former.number

    def _first_fit(
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
        timetable = self._timetables.get(name, Timetable())
        stay_s = self._stay_s(charge, member) + self._fleet.poll_s + 1  # with the slack of `_spread`
        for outstanding in (True, False):
            openings = member.openings(now_s, outstanding=outstanding)
            found = timetable.first_fit_s(openings, charge.plan.power_w, stay_s, number)
            if found is not None:
                return found
        return None

    def _stay_s(self, charge: Charge, member: Member) -> float:
        """Return for how many wall seconds a request will take power.

        Until something was admitted the time scale is not known. Then a typical stay is assumed: twice the
        time in which half of the substation's load is freed.
        """
        if self._time_scale:
            return charge.plan.duration_ms / 1000 / self._time_scale
        return 2 * member.half_freed_s()

    def _spread(self, timetable: Timetable, fit_s: float, now_s: float) -> float:
        """Return the wait of a request that fits in `fit_s`: one poll longer, and spread over the seconds.

        One poll is added because the view is that old, and the caller counts in whole seconds.
        """
        wait_s = math.ceil(fit_s + self._fleet.poll_s)
        latest_s = wait_s + SPREAD_SHARE * fit_s
        while wait_s + 1 <= latest_s and timetable.near(now_s + wait_s) >= AT_ONCE:
            wait_s += 1
        return float(wait_s)


def who(charge: Charge) -> str:
    """Return what identifies a request: its key, or the vehicle of its caller where there is no key."""
    return f"key {charge.key}" if charge.key else f"vehicle {charge.caller} {charge.vehicle_id}"


def _promised(
    charge: Charge, number: int, name: str, moments_s: tuple[float, float, float], stay_s: float
) -> Promise:
    """Return the promise of a stay. Of three moments, it is made at the first and there is room at the second.

    The caller is told the third. Between the second and the third the power counts as taken too, so that
    nobody else is promised that time.
    """
    plan, (now_s, start_s, at_s) = charge.plan, moments_s
    wall_s = stay_s / plan.duration_ms  # for a grid millisecond
    freed = ((at_s + after_ms * wall_s, float(freed_w)) for after_ms, freed_w in plan.releases())
    changes = ((start_s, float(-plan.power_w)), *freed)
    due_from_s = start_s - max(DUE_S, DUE_SHARE * (start_s - now_s))
    return Promise(who(charge), number, name, at_s, plan.power_w, due_from_s, changes)
