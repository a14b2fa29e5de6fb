"""The promises of Retry-After: which request comes back to which substation, and when.

Pure: time comes as seconds of a monotonic clock. Rules (docs/adr/0018):

- a refused request is promised the first moment at which the known plans leave room for its whole stay. Earlier
  promises count as taken, from their moments until the ends of their plans;
- there is one promise for each key or vehicle. It is replaced when the same caller asks again, who keeps its
  place in the order; it is dropped when the request is admitted, and lapses `LATE_S` after its moment;
- no later request gets power that the promise needs at its moment. That power is scaled by the share of callers
  who came back recently, so that promises to callers who don't come back cost next to nothing;
- a promise of more than a quarter of what a substation's base load leaves keeps no power, so that large requests can't close a fleet
  that is nearly empty. They can wait in the waiting room, where each keeps at most one substation;
- power that is freed earlier than planned goes to the next request, and is not kept for promises;
- that moment counts the base load as it is expected to be then, as far as forecasts are trusted: the promise itself by
  its upper bound, those who come before it by the middle of the mean and that (docs/adr/0070);
- a substation that can't admit (ejected, stream down, draining) promises nothing.
"""

import itertools
import math

from balancer.contract import Charge
from balancer.fleet.member import Member
from balancer.fleet.view import View
from balancer.placing.returns.promises import Promises, request_name
from balancer.placing.returns.return_times import ReturnTimes
from balancer.placing.returns.timetable import Promise, Timetable, room_beside

UNKNOWN_WAIT_S = 60.0  # when no plan says when there will be room
BLIND_WAIT_S = 2.0  # when no substation can be asked: a start or an outage
# Room may come earlier than expected, because the view is coarse: by DUE_S, or by DUE_SHARE of the wait, which is the
# distance between two points of a release schedule.
DUE_S = 3.0
DUE_SHARE = 0.25
MOST_SHARE = 0.25  # of what the base load leaves of a capacity; no power is kept for larger promises, which are made even at a low load
MOST = 1000  # remembered promises of one substation; further callers get a Retry-After that is not counted
UNKNOWN_SPREAD_S = 10  # callers whose wait follows from no plan are spread over this many seconds


class PromisedReturns:
    """Promises when to come back, and keeps power for those who do."""

    def __init__(self, view: View) -> None:
        self.promises = Promises()
        self._view = view
        self._roster = view.roster
        self._numbers = itertools.count(1)
        self._turns = itertools.count()
        self._times = ReturnTimes(self.promises, view.roster.poll_s)

    def promise(self, charge: Charge, now_s: float, *, waits: bool = False) -> float:
        """Promise a refused request a moment; return in how many whole seconds it should come back.

        A request that `waits` in the waiting room does not have to come back.
        """
        number = self._replaced(charge, now_s)
        admitting = self._view.admitting(charge.substations, now_s)
        if not admitting:
            return BLIND_WAIT_S + next(self._turns) % BLIND_WAIT_S
        base = self._view.policy.base_course(now_s)
        found = self._times.first_fit(charge, number, admitting, base, now_s)
        if not found:
            return UNKNOWN_WAIT_S + next(self._turns) % UNKNOWN_SPREAD_S
        start_s, name, member = found
        timetable = self.promises.at(name) or Timetable()
        wait_s = self._times.spread(timetable, start_s - now_s, now_s)
        if len(timetable.promises) < MOST:
            moments_s = (now_s, start_s, now_s + wait_s)
            stay_s = self._times.stay_s(charge, member, base)
            self.promises.add(_promised(charge, number, name, moments_s, stay_s, waits=waits))
        return wait_s

    def seated(self, charge: Charge) -> None:
        """Stop keeping power for a request, because it is being placed."""
        self.promises.seated(charge)

    def admitted(self, charge: Charge, wall_s: float) -> None:
        """Drop the promise of a request that was admitted for `wall_s` seconds; 0 if that is not known."""
        if promise := self.promises.of(charge):
            self.promises.count(promise, came=True)
        self.drop(charge)
        if wall_s > 0:
            self._times.learn(charge, wall_s)
        self.promises.changes += 1

    def drop(self, charge: Charge) -> None:
        """Drop the promise of a request."""
        if promise := self.promises.of(charge):
            self.promises.drop(promise)

    def promised(self, charge: Charge) -> str | None:
        """Return the substation that was promised to a request, None if there is no promise."""
        promise = self.promises.of(charge)
        return promise.target if promise else None

    def leaves_room(self, name: str, charge: Charge, now_s: float) -> bool:
        """Whether a request may take its power at a substation now without taking it from earlier promises."""
        return self.room_w(name, charge, now_s) >= charge.plan.power_w

    def room_w(self, name: str, charge: Charge, now_s: float) -> float:
        """Return how many watts at a substation a request may take now without taking them from earlier promises.

        Each earlier promise needs its power at its own moment, scaled by the share of callers who come back. It is
        infinite where no promise sets a limit. For a request that was refused later and stays longer it is not more.
        """
        timetable, member = self.promises.at(name), self._roster.members.get(name)
        if not timetable or not member:
            return math.inf
        base = self._view.policy.base_course(now_s)
        before, gone_s = self.order(charge), now_s + self._times.stay_s(charge, member, base)
        most_w = _most_kept_w(member)
        ahead = [
            promise
            for promise in timetable.promises
            if promise.number < before
            and promise.at_s <= gone_s
            and self.promises.keeps_power(promise, most_w)
        ]

        def free_w_at(at_s: float) -> float:
            return member.free_w(at_s) - (base.rise_w(member, at_s) if base else 0.0)

        return room_beside(ahead, free_w_at, now_s, self.promises.come_back)

    def version(self, name: str, now_s: float) -> object:
        """Return what is equal at two moments only if no request has more room at a substation at the later one."""
        member = self._roster.members.get(name)
        known = (
            (member.received_s, member.report.epoch, member.report.seq, member.most_w(now_s))
            if member
            else None
        )
        base = self._view.policy.base_course(now_s) if member else None
        slot = base.slot if base else None
        return known, self.promises.changed(name), self.promises.come_back, self._times.time_scale, slot

    def order(self, charge: Charge) -> float:
        """Return the place of a request in the order of the first refusals; infinite if it has no promise."""
        own = self.promises.of(charge)
        return own.number if own else math.inf

    def kept_w(self, name: str, now_s: float) -> float:
        """Return the watts at a substation that requests which come later don't get: callers are due for them now."""
        timetable, member = self.promises.at(name), self._roster.members.get(name)
        if not timetable or not member:
            return 0.0
        most_w = _most_kept_w(member)
        due = (
            promise.demand_w
            for promise in timetable.promises
            if promise.due_from_s <= now_s and self.promises.keeps_power(promise, most_w)
        )
        return self.promises.come_back * sum(due)

    def pass_time(self, now_s: float) -> None:
        """Drop the promises whose callers did not come back."""
        self.promises.pass_time(now_s)

    def _replaced(self, charge: Charge, now_s: float) -> int:
        """Drop the former promise of a request; returns the place that it keeps in the order."""
        self.pass_time(now_s)
        former = self.promises.of(charge)
        if not former:
            return next(self._numbers)
        if former.at_s - 1 < now_s:  # an early return says nothing about the share who come back
            self.promises.count(former, came=True)
        self.promises.drop(former)
        return former.number


def _most_kept_w(member: Member) -> float:
    """Return the watts of the largest promise for which power is kept: a share of what cars can have at all."""
    return MOST_SHARE * max(0, member.report.capacity_w - member.report.base_load_w)


def _promised(
    charge: Charge,
    number: int,
    name: str,
    moments_s: tuple[float, float, float],
    stay_s: float,
    *,
    waits: bool,
) -> Promise:
    """Return the promise of a stay. Of three moments, it is made at the first and there is room at the second.

    The third is in Retry-After. Between the second and the third the power counts as taken too, so that
    no other request is promised that time.
    """
    plan, (now_s, start_s, at_s) = charge.plan, moments_s
    wall_s = stay_s / plan.duration_ms  # for a grid millisecond
    freed = ((at_s + after_ms * wall_s, float(freed_w)) for after_ms, freed_w in plan.releases())
    changes = ((start_s, float(-plan.power_w)), *freed)
    due_from_s = start_s - max(DUE_S, DUE_SHARE * (start_s - now_s))
    return Promise(request_name(charge), number, name, at_s, plan.power_w, due_from_s, changes, waits)
