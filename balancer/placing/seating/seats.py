"""Finding a substation for a request: at once, or by waiting for room."""

from collections.abc import Awaitable, Callable

from balancer.contract import Charge
from balancer.fleet.view import View
from balancer.placing.decisions import Decisions
from balancer.placing.flights import Flight
from balancer.placing.returns.promised_returns import PromisedReturns
from balancer.placing.seating.choosing import Seat, SeatChooser
from balancer.placing.seating.seat_queue import SeatQueue
from balancer.placing.seating.waiting_room import Waiter, WaitingRoom
from runtime.machine import THIS, Machine
from substation.contract import Session


class Seats:
    """Finds seats, lets waiting requests go first, and promises refused ones when to come back."""

    def __init__(
        self,
        view: View,
        decisions: Decisions,
        room: WaitingRoom,
        clock: Callable[[], float] | None = None,
        arrived: Callable[[str, int], None] = lambda _substation_id, _energy_j: None,
        machine: Machine = THIS,
    ) -> None:
        """`clock` is that of the view, None for that of the machine; waiting is timed by the clock of the event loop.

        `arrived` is called with the substation of each admitted car and the joules that it asked for.
        """
        self.promised_returns = PromisedReturns(view)
        self.machine = machine
        clock = clock or machine.monotonic_s
        self.view = view
        self.decisions = decisions
        self.room = room
        self._clock = clock
        self._arrived = arrived
        self._chooser = SeatChooser(view, decisions, self.promised_returns, clock, machine.unix_s)
        self.queue = SeatQueue(self._chooser, room, self.promised_returns, clock)

    async def find(
        self,
        flight: Flight,
        attempt: int,
        former: Waiter | None,
        before_waiting: Callable[[], Awaitable[bool]],
    ) -> Seat | None:
        """Return a seat, at once or as soon as there is room; None when the request gets none in its time.

        `former` is the place that the request had in the waiting room, if it waited before it was served and then
        refused: it goes on waiting from there. `before_waiting` is awaited when there is no seat at once; the
        request waits only if that returns True.
        """
        if not former and (seat := self.now(flight.charge, attempt)):
            return seat
        if await before_waiting() and self._worth_waiting(flight):
            flight.waiting = True
            seat = await self.queue.wait(flight.charge, attempt, flight.room_until_s, former)
            flight.waiting = False
            if seat:
                return seat
        return self.now(flight.charge, attempt) if former else None

    def now(self, charge: Charge, attempt: int) -> Seat | None:
        """Return a seat if there is room now; requests that wait and fit go first."""
        kept: set[str] = set()
        self.promised_returns.pass_time(self._clock())
        if len(self.room):
            self.queue.serve()
            kept = self.room.kept(self._chooser.outlook())
        surely = len(self.room) > 0
        seat = self._chooser.choose(charge, attempt, kept, surely=surely)
        if not seat:
            self._chooser.refuse(charge, attempt, kept, surely=surely)
        return seat

    def admitted(self, charge: Charge, seat: Seat | None, session: Session) -> None:
        """Count an admission as passing those who wait; `seat` is None if it was admitted earlier."""
        stay_ms = session.expected_end_unix_ms - session.started_unix_ms if seat else 0
        self.promised_returns.admitted(charge, stay_ms / 1000)
        if seat:
            self._arrived(seat.target, charge.plan.energy_j)
        if seat and len(self.room):
            before = seat.waiter.number if seat.waiter else None
            self.room.passed(seat.target, self._chooser.outlook().capacities, before)

    def retry_after_s(self, charge: Charge) -> float:
        """Return in how many seconds a refused request should come back; power is kept for it then."""
        return self.promised_returns.promise(charge, self._clock())

    async def close(self) -> None:
        """Stop looking for room."""
        await self.queue.close()

    def _worth_waiting(self, flight: Flight) -> bool:
        """Whether it may wait, its caller does, and a substation that is large enough is known or expected."""
        charge, view = flight.charge, self.view
        if not charge.max_wait_ms:
            return False
        large_enough = view.rated_w(charge.substations) >= charge.plan.power_w
        return flight.callers > 0 and (large_enough or bool(view.roster.addresses.unseen()))
