"""Seats at a small fleet whose loads a test chooses."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from balancer.contract import Charge
from balancer.placing.decisions import Decisions
from balancer.placing.seating.choosing import Seat
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import WaitingRoom
from substation.contract import Report, Session, SessionState
from substation.plan import Plan
from tests.unit.balancer.fleets import KW, Fleet, report

LONG_S = 60.0


def charge(kw: int = 10, *substations: str, vehicle: str = "car") -> Charge:
    return Charge("", "", vehicle, Plan(kw * KW * 3600, kw * KW), substations)


class Desk:
    """Seats over a view whose substations are full, unless it is said otherwise."""

    def __init__(self, *reports: Report, most: int = 100) -> None:
        self.now_s = 0.0
        self.fleet = Fleet(*(reports or [report(load_kw=100)]))
        self.decisions = Decisions()
        self.arrived: list[tuple[str, int]] = []
        self.seats = Seats(
            self.fleet.view,
            self.decisions,
            WaitingRoom(most),
            lambda: self.now_s,
            lambda *arrival: self.arrived.append(arrival),
        )
        self._seq = 1

    def report(self, name: str = "a", load_kw: int = 0) -> None:
        self._seq += 1
        self.fleet.poll(report(name, seq=self._seq, load_kw=load_kw), self.now_s)

    @property
    def outstanding_kw(self) -> float:
        return sum(member.outstanding_w for member in self.fleet.roster.members.values()) / KW

    def admit(self, seat: Seat | None, asked: Charge) -> None:
        """What a substation's answer does: the request is in, and its power is reported soon."""
        assert seat
        session = Session(
            "id", seat.target, asked.vehicle_id, SessionState.CHARGING, asked.plan, 0, 0, 3_600_000
        )
        self.seats.admitted(asked, seat, session)

    def told(self) -> list[tuple[str | None, str]]:
        """What was decided, oldest first."""
        return [(decision.chosen, decision.outcome) for decision in reversed(self.decisions.find())]

    def wait(self, asked: Charge, within_s: float = LONG_S, attempt: int = 0) -> "asyncio.Task[Seat | None]":
        return asyncio.ensure_future(self.seats.queue.wait(asked, attempt, time.monotonic() + within_s))


@contextlib.asynccontextmanager
async def desk(*reports: Report, most: int = 100) -> AsyncIterator[Desk]:
    made = Desk(*reports, most=most)
    try:
        yield made
    finally:
        await made.seats.close()
        assert made.outstanding_kw == 0
        assert len(made.seats.room) == 0


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
