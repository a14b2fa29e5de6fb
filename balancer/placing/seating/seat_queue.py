"""The requests that wait for room: each one's task sleeps here until the waiting room serves it.

While requests wait, newcomers are judged by the same figure as waiters: the highest load that a substation can
have, because a refusal would be durable. So no newcomer is admitted by an estimate that was not enough for a waiter.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping

from balancer.contract import Charge
from balancer.placing.returns.promise_bound import PromiseBound
from balancer.placing.returns.promised_returns import PromisedReturns
from balancer.placing.seating.choosing import Seat, SeatChooser
from balancer.placing.seating.waiting_room import Outlook, Waiter, WaitingRoom

LOOK_EVERY_S = 0.05  # for room, while requests wait
WAITING, SEATED, IN_VAIN, LEFT = "waiting", "seated", "in_vain", "left"  # how waiting goes and ends


@dataclasses.dataclass(slots=True)
class _Waiting:
    """One waiting request, its place in the room, and the future of its seat.

    `order` is its place in the order of the first refusals when it began to wait; it can only become a later one.
    """

    charge: Charge
    attempt: int
    waiter: Waiter
    future: "asyncio.Future[Seat]"
    stay_ms: int
    order: float


@dataclasses.dataclass(frozen=True, slots=True)
class _Scene:
    """What decides whether a look serves anybody: the capacities of those that admit, their free power, and changes.

    Without a report, a change of promises or of the room, time alone changes the free power; and where that does not
    rise, promises leave less and less room (see `PromiseBound`).
    """

    capacities: dict[str, int]
    free_w: dict[str, float]
    changes: tuple[object, ...]

    def no_better_than(self, other: "_Scene") -> bool:
        """Whether a look that served nobody in the other scene serves nobody in this one."""
        return (
            self.changes == other.changes
            and self.capacities == other.capacities
            and all(free_w <= other.free_w[name] for name, free_w in self.free_w.items())
        )


class SeatQueue:
    """Gives seats to waiting requests in the order of the waiting room."""

    def __init__(
        self,
        chooser: SeatChooser,
        room: WaitingRoom,
        promised_returns: PromisedReturns,
        clock: Callable[[], float],
    ) -> None:
        """`clock` is that of the view; waiting is timed by the clock of the event loop."""
        self.room = room
        self._chooser = chooser
        self._promised_returns = promised_returns
        self._clock = clock
        self._waiting: dict[int, _Waiting] = {}
        self._looking: asyncio.Task[None] | None = None
        self._in_vain: _Scene | None = None  # at the last look, if it served nobody
        self._bound = PromiseBound(promised_returns)

    async def wait(
        self, charge: Charge, attempt: int, until_s: float, former: Waiter | None = None
    ) -> Seat | None:
        """Return a seat as soon as there is room, None when there is none by the monotonic `until_s`.

        `former` is the place that the request had before it was served, and then refused.
        """
        loop = asyncio.get_running_loop()
        if until_s <= loop.time():
            return None
        waiter = former or self.room.enter(charge.plan.power_w, charge.substations)
        if not waiter:
            self._chooser.turn_away(charge, attempt)
            return None
        if former:
            self.room.back(former)
        # Requests that are refused from now on are promised a later moment than this one.
        self._promised_returns.promise(charge, self._clock(), waits=True)
        decision = self._chooser.let_wait(charge, attempt)
        decision.outcome = WAITING
        try:
            order, stay_ms = self._promised_returns.order(charge), charge.plan.duration_ms
            waiting = _Waiting(charge, attempt, waiter, loop.create_future(), stay_ms, order)
            seat = await self._served(waiting, until_s)
        except asyncio.CancelledError:
            decision.outcome = LEFT
            self._promised_returns.drop(charge)
            raise
        decision.outcome = SEATED if seat else IN_VAIN
        return seat

    def serve(self) -> None:
        """Give seats to waiting requests that fit into the power that is surely free: a refusal would be durable.

        While nothing has changed for the better since a look that served nobody, it does not look again.
        """
        for waiting in self._waiting.values():
            if waiting.future.done():  # it is on its way out
                self.room.leave(waiting.waiter)
        view, outlook = self._chooser.view, self._chooser.outlook()
        free_w = view.free_w((), self._clock(), surely=True)
        scene = self._scene(outlook, free_w)
        if self._in_vain and scene.no_better_than(self._in_vain):
            return
        bound, now_s = self._bound, self._clock()
        bound.refresh(free_w, now_s)

        def choose(waiter: Waiter, kept: set[str]) -> str | None:
            waiting = self._waiting[waiter.number]
            seat = self._chooser.choose(waiting.charge, waiting.attempt, kept, surely=True)
            if not seat:
                bound.learn(waiting.charge, free_w, now_s)
                return None
            bound.forget()
            seat.waiter = waiter
            waiting.future.set_result(seat)
            free_w.update(view.free_w((seat.target,), self._clock(), surely=True))
            return seat.target

        def hopeless(waiter: Waiter) -> bool:
            waiting = self._waiting[waiter.number]
            return bound.excludes(waiter.demand_w, waiting.stay_ms, waiting.order)

        served = self.room.serve(outlook, free_w, choose, hopeless)
        self._in_vain = None if served else scene

    def _scene(self, outlook: Outlook, free_w: Mapping[str, float]) -> _Scene:
        view, promises = self._chooser.view, self._promised_returns.promises
        changes = (view.policy.name, view.roster.reports, self.room.changes, promises.changes)
        return _Scene(dict(outlook.capacities), dict(free_w), changes)

    async def close(self) -> None:
        """Stop looking for room."""
        if self._looking:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _served(self, waiting: _Waiting, until_s: float) -> Seat | None:
        future, number = waiting.future, waiting.waiter.number
        self._waiting[number] = waiting
        try:
            self.serve()
            if not self._looking or self._looking.done():
                self._looking = asyncio.create_task(self._keep_looking())
            async with asyncio.timeout_at(until_s):
                return await future
        except TimeoutError:  # the seat may have come in the same turn of the loop
            return future.result() if _has_seat(future) else None
        except asyncio.CancelledError:
            if _has_seat(future):
                future.result().hold.close()
            raise
        finally:
            self.room.leave(waiting.waiter)
            del self._waiting[number]

    async def _keep_looking(self) -> None:
        while len(self.room):
            await asyncio.sleep(LOOK_EVERY_S)
            self._promised_returns.pass_time(self._clock())
            self.serve()


def _has_seat(future: "asyncio.Future[Seat]") -> bool:
    return future.done() and not future.cancelled()
