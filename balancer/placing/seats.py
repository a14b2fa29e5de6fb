"""Finding a substation for a request: at once, or by waiting for room.

A seat counts as outstanding at its substation from the moment it is chosen, before anything is
awaited, until it is given back. While requests wait, newcomers are judged by the same figure as
waiters: the highest load that a substation can have, because a refusal would be durable. So no newcomer is
admitted by an estimate that was not enough for a waiter.
"""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import Self

from balancer.contract import Charge
from balancer.fleet.member import Option
from balancer.fleet.view import Fleet
from balancer.placing.decisions import Decision, Decisions
from balancer.placing.promised_returns import PromisedReturns
from balancer.placing.waiting_room import Outlook, Waiter, WaitingRoom
from substation.contract import Session

LOOK_EVERY_S = 0.05  # for room, while somebody waits
WAITING, SEATED, IN_VAIN, LEFT = "waiting", "seated", "in_vain", "left"  # how waiting goes and ends


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


@dataclasses.dataclass(slots=True)
class _Waiting:
    """Who waits in a place."""

    charge: Charge
    attempt: int
    waiter: Waiter
    future: "asyncio.Future[Seat]"


class Seats:
    """Chooses by the view of the fleet and keeps the waiting room."""

    def __init__(
        self,
        fleet: Fleet,
        decisions: Decisions,
        room: WaitingRoom,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is the view's; waiting goes by the loop's."""
        self.fleet = fleet
        self.decisions = decisions
        self.room = room
        self.appointments = PromisedReturns(fleet)
        self._clock = clock
        self._waiting: dict[int, _Waiting] = {}
        self._looking: asyncio.Task[None] | None = None

    def now(self, charge: Charge, attempt: int) -> Seat | None:
        """Return a seat if there is room now; who waits and fits goes first."""
        kept: set[str] = set()
        self.appointments.pass_time(self._clock())
        if len(self.room):
            self._serve()
            kept = self.room.kept(self._outlook())
        options = self._look(charge)
        seat = self._take(charge, attempt, options, kept)
        if not seat:
            self._note(charge, attempt, options, self._why_not(charge, options, kept))
        return seat

    def admitted(self, charge: Charge, seat: Seat | None, session: Session) -> None:
        """Count an admission as passing those who wait; `seat` is None if it was admitted earlier."""
        stay_ms = session.expected_end_unix_ms - session.started_unix_ms if seat else 0
        self.appointments.admitted(charge, stay_ms / 1000)
        if seat and len(self.room):
            before = seat.waiter.number if seat.waiter else None
            self.room.passed(seat.target, self._outlook().capacities, before)

    def retry_after_s(self, charge: Charge) -> float:
        """Return in how many seconds a refused request should come back; power is kept for it then."""
        return self.appointments.promise(charge, self._clock())

    async def later(
        self, charge: Charge, attempt: int, until_s: float, former: Waiter | None = None
    ) -> Seat | None:
        """Return a seat as soon as there is room, None when there is none by the monotonic `until_s`.

        `former` is the place that the request had before it was served, and then refused.
        """
        if until_s <= asyncio.get_running_loop().time():
            return None
        waiter = former or self.room.enter(charge.plan.power_w, charge.substations)
        if not waiter:
            self._note(charge, attempt, [], "the waiting room is full")
            return None
        if former:
            self.room.back(former)
        self.appointments.promise(
            charge, self._clock(), waits=True
        )  # requests that are refused now come after it
        decision = self._note(charge, attempt, self._look(charge), "waits for room")
        decision.outcome = WAITING
        try:
            seat = await self._served(_Waiting(charge, attempt, waiter, self._future()), until_s)
        except asyncio.CancelledError:
            decision.outcome = LEFT
            self.appointments.drop(charge)
            raise
        decision.outcome = SEATED if seat else IN_VAIN
        return seat

    async def close(self) -> None:
        """Stop looking for room."""
        if self._looking:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _served(self, waiting: _Waiting, until_s: float) -> Seat | None:
        future, number = waiting.future, waiting.waiter.number
        self._waiting[number] = waiting
        try:
            self._serve()
            if not self._looking or self._looking.done():
                self._looking = asyncio.create_task(self._keep_looking())
            async with asyncio.timeout_at(until_s):
                return await future
        except TimeoutError:  # the seat may have come in the same turn of the loop
            return future.result() if _given(future) else None
        except asyncio.CancelledError:
            if _given(future):
                future.result().hold.close()
            raise
        finally:
            self.room.leave(waiting.waiter)
            del self._waiting[number]

    async def _keep_looking(self) -> None:
        while len(self.room):
            await asyncio.sleep(LOOK_EVERY_S)
            self.appointments.pass_time(self._clock())
            self._serve()

    def _serve(self) -> None:
        """Give seats to those who wait and fit, by what surely is free: a refusal would be durable."""
        for waiting in self._waiting.values():
            if waiting.future.done():  # it is on its way out
                self.room.leave(waiting.waiter)
        options = {_name(option): option for option in _surely(self._look())}
        free_w = {name: self.fleet.free_w(option) for name, option in options.items()}

        def choose(waiter: Waiter, kept: set[str]) -> str | None:
            waiting = self._waiting[waiter.number]
            eligible = [options[name] for name in waiter.eligible or options if name in options]
            seat = self._take(waiting.charge, waiting.attempt, eligible, kept)
            if not seat:
                return None
            seat.waiter = waiter
            waiting.future.set_result(seat)
            (options[seat.target],) = _surely(self.fleet.look((seat.target,), self._clock()))
            free_w[seat.target] = self.fleet.free_w(options[seat.target])
            return seat.target

        self.room.serve(self._outlook(), free_w, choose)

    def _outlook(self) -> Outlook:
        """Return the substations that admit, and when a demand will fit at one of them."""
        now_s = self._clock()
        admitting = dict(self.fleet.admitting((), now_s))
        capacities = {name: member.report.capacity_w for name, member in admitting.items()}
        return Outlook(capacities, lambda name, demand_w: admitting[name].fits_in_s(demand_w, now_s))

    def _take(self, charge: Charge, attempt: int, options: list[Option], kept: set[str]) -> Seat | None:
        """Choose among the options that are not kept for others, and hold."""
        left = [option for option in options if _name(option) not in kept and self._leaves(charge, option)]
        promised = self.appointments.promised(charge)  # the substation that keeps power for it
        target = self.fleet.pick(
            [option for option in left if _name(option) == promised], charge.plan.power_w, self._clock()
        ) or self.fleet.pick(left, charge.plan.power_w, self._clock())
        if target is None:
            return None
        self.appointments.seated(charge)
        hold = contextlib.ExitStack()
        hold.enter_context(self.fleet.holding(target, charge.plan.power_w))
        decision = self._note(charge, attempt, options, f"{self.fleet.policy} among those with room", target)
        return Seat(target, self.fleet.members[target].report.journal_id, decision, hold)

    def _look(self, charge: Charge | None = None) -> list[Option]:
        options = self.fleet.look(charge.substations if charge else (), self._clock())
        return _surely(options) if len(self.room) else options

    def _leaves(self, charge: Charge, option: Option) -> bool:
        return self.appointments.leaves_room(_name(option), charge, self._clock())

    def _why_not(self, charge: Charge, options: list[Option], kept: set[str]) -> str:
        if kept:
            return f"nobody has room except {', '.join(sorted(kept))}, kept for requests that wait longer"
        if any(self.fleet.free_w(option) >= charge.plan.power_w for option in options):
            return "nobody has room beyond what is promised to requests that were refused before"
        return "nobody has room"

    def _note(
        self, charge: Charge, attempt: int, options: list[Option], reason: str, target: str | None = None
    ) -> Decision:
        decision = Decision(
            int(time.time() * 1000),
            charge.vehicle_id,
            charge.plan.power_w,
            self.fleet.policy,
            attempt,
            tuple(options),
            target,
            reason,
        )
        return self.decisions.note(decision)

    def _future(self) -> "asyncio.Future[Seat]":
        return asyncio.get_running_loop().create_future()


def _name(option: Option) -> str:
    return option.candidate.substation_id


def _surely(options: list[Option]) -> list[Option]:
    """Return the options by the most that each can carry."""
    return [
        dataclasses.replace(o, candidate=dataclasses.replace(o.candidate, estimate_w=o.most_w))
        for o in options
    ]


def _given(future: "asyncio.Future[Seat]") -> bool:
    return future.done() and not future.cancelled()
