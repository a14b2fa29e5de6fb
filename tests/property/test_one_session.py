"""One session for each vehicle, with two balancers on one order book, and links that delay, drop and repeat.

Everything is real but the network: placement, order book, and the writers and journals of three substations.
"""

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from balancer.contract import Answer, Charge, Outcome
from balancer.control import Operator
from balancer.decisions import Decisions
from balancer.metrics import BalancerMetrics
from balancer.orders import EmbeddedBook
from balancer.placement import Placement
from balancer.seats import Seats
from balancer.vehicles import OneSession, VehicleAsker
from balancer.waiting import WaitingRoom
from balancer.withdrawals import Withdrawals
from runtime.coalescer import LinkLost
from substation import contract as substation
from substation.contract import Command, Page, Place, Stop
from substation.plan import Plan
from tests.support.desk import Desk
from tests.unit.balancer.views import View, report

NAMES = ("a", "b", "c")
CAR = Plan(10_000 * 3600, 10_000)
WITHIN_S = 0.4  # where messages are lost; else nobody has to give up
OPEN = {"charging", "paused"}
VEHICLES = st.sampled_from(["car-1", "car-1", "car-2"])
ASKED = st.tuples(
    st.sampled_from([0, 1]),  # the balancer
    VEHICLES,
    st.sampled_from(["", "", "k", "l", "m"]),  # the key; with the vehicle it is one request
    st.integers(0, 8),  # turns of the loop until it comes
)
ROUNDS = st.lists(
    st.tuples(st.lists(ASKED, min_size=1, max_size=6), st.sampled_from(["", "", "car-1", "car-2"])),
    min_size=1,
    max_size=3,
)  # and whose session is stopped afterwards


class Network:
    """The links of one balancer to the substations: `loss` of messages, each way, and any delay."""

    def __init__(self, desks: dict[str, Desk], rng: random.Random, loss: float) -> None:
        self._desks = desks
        self._rng = rng
        self._loss = loss
        self._late: set[asyncio.Task[None]] = set()

    def up(self, name: str) -> bool:
        return name in self._desks

    def get(self, name: str) -> "Wire":
        return Wire(self, name)

    async def found(self, name: str, _within_s: float) -> "Wire":
        return Wire(self, name)

    async def deliver(self, name: str, command: Command) -> substation.Answer:
        await self._delay()
        if self._rng.random() < self._loss:
            if isinstance(command, Place):  # not lost: it comes when nobody expects it any more
                task = asyncio.create_task(self._later(name, command))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
            raise LinkLost(name)
        (answer,) = self._desks[name].ask(command)
        await self._delay()
        if self._rng.random() < self._loss:
            raise LinkLost(name)
        return answer

    async def settle(self) -> None:
        """Wait until every late copy has come."""
        await asyncio.gather(*self._late)

    async def _later(self, name: str, command: Command) -> None:
        await asyncio.sleep(self._rng.uniform(0, 0.2))
        self._desks[name].ask(command)

    async def _delay(self) -> None:
        for _ in range(self._rng.randrange(6)):
            await asyncio.sleep(0)


class Wire:
    """One link."""

    def __init__(self, network: Network, name: str) -> None:
        self._network = network
        self._name = name

    async def call(self, command: Command, within_s: float) -> substation.Answer:
        async with asyncio.timeout(within_s):
            return await self._network.deliver(self._name, command)


@contextlib.asynccontextmanager
async def balancer(book: EmbeddedBook, network: Network, seed: int) -> AsyncIterator[OneSession]:
    fleet = View(*(report(name, journal_id=name) for name in NAMES), seed=seed).fleet
    asker = VehicleAsker(network, book, fleet)  # type: ignore[arg-type]
    operator = Operator(fleet, book, asker)
    withdrawals = Withdrawals(book, asker, operator.given_up)
    seats = Seats(fleet, Decisions(), WaitingRoom(10), lambda: 0.0)
    placement = Placement(seats, book, asker, operator, withdrawals, BalancerMetrics(CollectorRegistry()))
    try:
        yield OneSession(placement, book, asker, operator, fleet)
    finally:
        await placement.close()
        await seats.close()
        await withdrawals.close()


class World:
    """Two balancers, one order book, three substations."""

    def __init__(self, folder: Path, seed: int, loss: float) -> None:
        self._folder = folder
        self._seed = seed
        self._rng = random.Random(seed)
        self._loss = loss
        self.desks = {name: Desk(folder / name / "journal.sqlite", 100_000) for name in NAMES}
        self.admitted: dict[tuple[str, str], str] = {}  # the session of a keyed request

    async def live(self, rounds: list[tuple[list[tuple[int, str, str, int]], str]]) -> None:
        book = EmbeddedBook(self._folder / "orders.sqlite")
        network = Network(self.desks, self._rng, self._loss)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(book.close)
            balancers = [
                await stack.enter_async_context(balancer(book, network, self._seed + number))
                for number in (0, 1)
            ]
            for asked, stopped in rounds:
                await asyncio.gather(*(self._ask(balancers[one[0]], *one[1:]) for one in asked))
                await network.settle()
                self.check()
                self._stop(stopped)
            await asyncio.sleep(0)
        self.check()

    async def _ask(self, by: OneSession, vehicle: str, key: str, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        wanted = Charge(f"acme:{vehicle}{key}" if key else "", "f", f"acme:{vehicle}", CAR, (), 0, "acme")
        answer, _ = await by.charge(wanted, time.monotonic() + (WITHIN_S if self._loss else 60))
        self._judge(vehicle, key, answer)

    def _judge(self, vehicle: str, key: str, answer: Answer) -> None:
        if answer.outcome is Outcome.ADMITTED and key:
            assert answer.session
            session_id = self.admitted.setdefault((vehicle, key), answer.session.session_id)
            assert answer.session.session_id == session_id
        if not self._loss:
            assert answer.outcome in {Outcome.ADMITTED, Outcome.VEHICLE_CHARGING, Outcome.NO_CAPACITY}

    def open_sessions(self, vehicle: str) -> list[str]:
        found = [desk.ask(Page(0, 1000, f"acme:{vehicle}"))[0].sessions for desk in self.desks.values()]
        return [session.session_id for page in found for session in page if session.state in OPEN]

    def check(self) -> None:
        for vehicle in ("car-1", "car-2"):
            assert len(self.open_sessions(vehicle)) <= 1

    def _stop(self, vehicle: str) -> None:
        for session_id in self.open_sessions(vehicle) if vehicle else ():
            for desk in self.desks.values():
                desk.ask(Stop(session_id))

    def close(self) -> None:
        for desk in self.desks.values():
            desk.stop()


@given(rounds=ROUNDS, seed=st.integers(0, 2**32), loss=st.sampled_from([0.0, 0.0, 0.2]))
@settings(max_examples=30)
def test_a_vehicle_never_has_two_sessions_whatever_two_balancers_do_at_once(
    rounds: list[tuple[list[tuple[int, str, str, int]], str]], seed: int, loss: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), seed, loss)
        try:
            asyncio.run(world.live(rounds))
        finally:
            world.close()
