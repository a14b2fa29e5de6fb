"""Finding a substation for a request: at once, or by waiting for room.

A seat counts as outstanding at its substation from the moment it is chosen, before anything is
awaited, until it is given back.
"""

import asyncio
import contextlib
import dataclasses
import time
from typing import Self

from balancer.contract import Charge
from balancer.decisions import Decision, Decisions
from balancer.fleet import Fleet, Option
from balancer.waiting import Waiter, WaitingRoom

LOOK_EVERY_S = 0.05  # for room, while somebody waits


@dataclasses.dataclass
class Seat:
    """Power held at a substation for one request; leave the context to give it back."""

    target: str
    decision: Decision
    hold: contextlib.ExitStack

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self.hold.close()


class Seats:
    """Chooses by the view of the fleet and keeps the waiting room."""

    def __init__(self, fleet: Fleet, decisions: Decisions, room: WaitingRoom) -> None:
        self.fleet = fleet
        self._decisions = decisions
        self.room = room
        self._waiting: dict[int, tuple[Charge, int, asyncio.Future[Seat]]] = {}
        self._looking: asyncio.Task[None] | None = None

    def now(self, charge: Charge, attempt: int) -> Seat | None:
        """Return a seat if there is room now, and nobody who waits is passed once too often."""
        if not self.room.may_pass(charge.substations):
            self._note(charge, attempt, [], None, "others wait for room and were passed often enough")
            return None
        seat = self._take(charge, attempt)
        if seat:
            self.room.passed(charge.substations)
        return seat

    async def later(self, charge: Charge, attempt: int, until_s: float) -> Seat | None:
        """Return a seat as soon as there is room, None when there is none by the monotonic `until_s`."""
        if until_s <= time.monotonic():
            return None
        waiter = self.room.enter(charge.plan.power_w, charge.substations)
        if not waiter:
            return None
        future: asyncio.Future[Seat] = asyncio.get_running_loop().create_future()
        self._waiting[waiter.number] = (charge, attempt, future)
        self._look()
        try:
            async with asyncio.timeout_at(until_s):
                return await future
        except TimeoutError:
            return future.result() if _given(future) else None
        except asyncio.CancelledError:
            if _given(future):
                future.result().hold.close()
            raise
        finally:
            self.room.leave(waiter)
            self._waiting.pop(waiter.number, None)

    async def close(self) -> None:
        """Stop looking for room."""
        if self._looking:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _look(self) -> None:
        if not self._looking or self._looking.done():
            self._looking = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while len(self.room):
            seats: dict[int, Seat] = {}

            def choose(waiter: Waiter, seats: dict[int, Seat] = seats) -> str | None:
                charge, attempt, future = self._waiting[waiter.number]
                seat = None if future.done() else self._take(charge, attempt, quiet=True)
                if seat:
                    seats[waiter.number] = seat
                return seat.target if seat else None

            for waiter, _ in self.room.serve(choose):
                self._waiting[waiter.number][2].set_result(seats[waiter.number])
            await asyncio.sleep(LOOK_EVERY_S)

    def _take(self, charge: Charge, attempt: int, *, quiet: bool = False) -> Seat | None:
        """Choose and hold. `quiet` notes no decision when there is no room: somebody asks again soon."""
        now_s = time.monotonic()
        options = self.fleet.look(charge.substations, now_s)
        target = self.fleet.pick(options, charge.plan.power_w, now_s)
        if target is None:
            if not quiet:
                self._note(charge, attempt, options, None, "nobody has room")
            return None
        hold = contextlib.ExitStack()
        hold.enter_context(self.fleet.holding(target, charge.plan.power_w))
        reason = f"{self.fleet.policy} among those with room"
        return Seat(target, self._note(charge, attempt, options, target, reason), hold)

    def _note(
        self, charge: Charge, attempt: int, options: list[Option], target: str | None, reason: str
    ) -> Decision:
        decision = Decision(
            int(time.time() * 1000), charge.vehicle_id, charge.plan.power_w, self.fleet.policy, attempt,
            tuple(options), target, reason,
        )  # fmt: skip
        return self._decisions.note(decision)


def _given(future: "asyncio.Future[Seat]") -> bool:
    return future.done() and not future.cancelled()
