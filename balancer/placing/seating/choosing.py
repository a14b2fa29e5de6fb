"""Choosing a substation for a request by the view: its power is held there at once, and the decision is noted.

A seat counts as outstanding at its substation from the moment it is chosen, before anything is
awaited, until it is given back.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import Self

from balancer.contract import Charge
from balancer.fleet.member import Option
from balancer.fleet.view import View
from balancer.placing.decisions import Decision, Decisions
from balancer.placing.returns.promised_returns import PromisedReturns
from balancer.placing.seating.waiting_room import Outlook, Waiter


@dataclasses.dataclass
class Seat:
    """Power held at a substation for one request; leave the context to give it back.

    `waiter` is the place that it had in the waiting room, None if it did not wait.
    """

    target: str
    journal_id: str
    decision: Decision
    hold: contextlib.ExitStack
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
    ) -> None:
        self.view = view
        self._decisions = decisions
        self._promised_returns = promised_returns
        self._clock = clock

    def look(self, eligible: tuple[str, ...] = (), *, surely: bool) -> list[Option]:
        """Return the options of the eligible substations (empty: all), with `surely` by the highest possible load."""
        options = self.view.look(eligible, self._clock())
        if not surely:
            return options
        return [
            dataclasses.replace(o, candidate=dataclasses.replace(o.candidate, estimate_w=o.most_w))
            for o in options
        ]

    def choose(self, charge: Charge, attempt: int, options: list[Option], kept: set[str]) -> Seat | None:
        """Choose among the options and hold; None when none has room that is not kept for others.

        `kept` are the substations that are kept for waiting requests.
        """
        now_s, demand_w = self._clock(), charge.plan.power_w
        open_ = [
            option
            for option in options
            if name_of(option) not in kept
            and self._promised_returns.leaves_room(name_of(option), charge, now_s)
        ]
        promised = self._promised_returns.promised(charge)  # the substation that keeps power for it
        first_choice = [option for option in open_ if name_of(option) == promised]
        target = self.view.pick(first_choice, demand_w, now_s) or self.view.pick(open_, demand_w, now_s)
        if target is None:
            return None
        self._promised_returns.seated(charge)
        hold = contextlib.ExitStack()
        hold.enter_context(self.view.holding(target, demand_w))
        decision = self.note(
            charge, attempt, options, f"{self.view.policy.name} among those with room", target
        )
        return Seat(target, self.view.roster.members[target].report.journal_id, decision, hold)

    def outlook(self) -> Outlook:
        """Return the substations that admit, and when a demand will fit at one of them."""
        now_s = self._clock()
        admitting = dict(self.view.admitting((), now_s))
        capacities = {name: member.report.capacity_w for name, member in admitting.items()}
        return Outlook(capacities, lambda name, demand_w: admitting[name].fits_in_s(demand_w, now_s))

    def why_not(self, charge: Charge, options: list[Option], kept: set[str]) -> str:
        """Return in words why none of the options was chosen."""
        if kept:
            names = ", ".join(sorted(kept))
            return f"no substation has room except {names}, kept for requests that wait longer"
        if any(self.view.free_w(option) >= charge.plan.power_w for option in options):
            return "no substation has room beyond what is promised to requests that were refused before"
        return "no substation has room"

    def note(
        self, charge: Charge, attempt: int, options: list[Option], reason: str, target: str | None = None
    ) -> Decision:
        """Note a decision; returns it, to be completed when its outcome is known."""
        decision = Decision(
            int(time.time() * 1000),
            charge.vehicle_id,
            charge.plan.power_w,
            self.view.policy.name,
            attempt,
            tuple(options),
            target,
            reason,
        )
        return self._decisions.note(decision)


def name_of(option: Option) -> str:
    """Return the id of an option's substation."""
    return option.candidate.substation_id
