"""Choosing a substation for a request by the view: its power is held there at once, and the decision is noted.

A seat counts as outstanding at its substation from the moment it is chosen, before anything is
awaited, until it is given back.
"""

import dataclasses
import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from balancer.contract import Charge
from balancer.fleet.candidates import Candidates
from balancer.fleet.member import Demand, Member
from balancer.fleet.snapshot import Snapshot, snapshot
from balancer.fleet.view import Hold, View
from balancer.placing.decisions import Decision, Decisions
from balancer.placing.returns.promised_returns import PromisedReturns
from balancer.placing.seating.waiting_room import Outlook, Waiter

MOST_SEEN = 12  # substations in the record of a decision: as many as the console shows


@dataclasses.dataclass(slots=True)
class Seat:
    """Power held at a substation for one request; leave the context to give it back.

    `waiter` is the place that it had in the waiting room, None if it did not wait.
    """

    target: str
    journal_id: str
    decision: Decision
    hold: Hold
    waiter: Waiter | None = None

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self.hold.close()


class SeatChooser:
    """Chooses by the view of the fleet, without power that is kept for others."""

    def __init__(
        self,
        view: View,
        decisions: Decisions,
        promised_returns: PromisedReturns,
        clock: Callable[[], float],
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        self.view = view
        self._decisions = decisions
        self._promised_returns = promised_returns
        self._clock = clock
        self._unix_s = unix_s

    def choose(self, charge: Charge, attempt: int, kept: set[str], *, surely: bool) -> Seat | None:
        """Choose a substation and hold the power there; None when none has room that is not kept for others.

        `kept` are the substations that are kept for waiting requests. With `surely`, each substation counts with the
        highest load that it can have.
        """
        now_s, demand_w = self._clock(), charge.plan.power_w
        demand = Demand(demand_w, charge.plan.duration_ms, now_s)
        candidates = self.view.candidates(charge.substations, demand_w, now_s, surely=surely)
        target = self._target(charge, candidates, kept, demand)
        if target is None:
            return None
        options = snapshot(self.view, self._seen(charge, candidates, target), now_s, surely=surely)
        reason = self.view.policy.reason(target, demand)  # before the hold counts as load
        if len(self._promised_returns.promises):
            self._promised_returns.seated(charge)
        hold = self.view.holding(target, demand_w)
        decision = self._note(charge, attempt, options, reason, target)
        return Seat(target, self.view.roster.members[target].report.journal_id, decision, hold)

    def refuse(self, charge: Charge, attempt: int, kept: set[str], *, surely: bool) -> Decision:
        """Note that a request found no seat now, and why."""
        now_s = self._clock()
        free_w = self.view.free_w(charge.substations, now_s, surely=surely)
        options = snapshot(self.view, self._roomiest(free_w), now_s, surely=surely)
        room = max(free_w.values(), default=0) >= charge.plan.power_w
        return self._note(charge, attempt, options, _why_not(kept, room=room))

    def let_wait(self, charge: Charge, attempt: int) -> Decision:
        """Note that a request waits for room."""
        now_s = self._clock()
        free_w = self.view.free_w(charge.substations, now_s, surely=True)
        options = snapshot(self.view, self._roomiest(free_w), now_s, surely=True)
        return self._note(charge, attempt, options, "waits for room")

    def turn_away(self, charge: Charge, attempt: int) -> Decision:
        """Note that a request found the waiting room full."""
        return self._note(charge, attempt, Snapshot(), "the waiting room is full")

    def outlook(self) -> Outlook:
        """Return the substations that admit, and when a demand will fit at one of them."""
        now_s = self._clock()
        admitting = dict(self.view.admitting((), now_s))
        capacities = {name: member.report.capacity_w for name, member in admitting.items()}
        return Outlook(capacities, lambda name, demand_w: admitting[name].fits_in_s(demand_w, now_s))

    def _target(self, charge: Charge, candidates: Candidates, kept: set[str], demand: Demand) -> str | None:
        """Return the substation to ask: the one that keeps power for this request, else by the policy."""
        if not kept and not len(self._promised_returns.promises):
            return self.view.pick(candidates, demand)

        def allowed(name: str) -> bool:
            return name not in kept and self._promised_returns.leaves_room(name, charge, demand.now_s)

        promised = self._promised_returns.promised(charge)
        first_choice = self.view.pick(candidates.only(promised), demand, allowed) if promised else None
        return first_choice or self.view.pick(candidates, demand, allowed)

    def _seen(self, charge: Charge, candidates: Candidates, target: str) -> Iterable[Member]:
        """Return the substations to note with a decision: the target and the least utilized, at most MOST_SEEN."""
        roster = self.view.roster
        if len(charge.substations or roster.members) <= MOST_SEEN:
            return roster.takers.among(charge.substations).own
        names = dict.fromkeys([target, *candidates.lowest(MOST_SEEN)])
        return [roster.members[name] for name in itertools.islice(names, MOST_SEEN)]

    def _roomiest(self, free_w: Mapping[str, float]) -> list[Member]:
        """Return the substations with the most power free, at most MOST_SEEN."""
        members = self.view.roster.members
        if len(free_w) <= MOST_SEEN:
            return [members[name] for name in free_w]
        return [members[name] for name in heapq.nlargest(MOST_SEEN, free_w, key=free_w.__getitem__)]

    def _note(
        self,
        charge: Charge,
        attempt: int,
        options: Snapshot,
        reason: str,
        target: str | None = None,
    ) -> Decision:
        """Note a decision; returns it, to be completed when its outcome is known."""
        known = len(charge.substations or self.view.roster.members)
        decision = Decision(
            int(self._unix_s() * 1000),
            charge.vehicle_id,
            charge.plan.power_w,
            self.view.policy.name,
            attempt,
            options,
            target,
            reason,
            left_out=known - options.count if known > MOST_SEEN and options.count else 0,
        )
        return self._decisions.note(decision)


def _why_not(kept: set[str], *, room: bool) -> str:
    """Return in words why no substation was chosen; `room` is whether one has enough power free."""
    if kept:
        names = ", ".join(sorted(kept))
        return f"no substation has room except {names}, kept for requests that wait longer"
    if room:
        return "no substation has room beyond what is promised to requests that were refused before"
    return "no substation has room"
