"""Balancers on one order book, in this process, over links that delay, drop and repeat.

Everything is real but the network: placement, order book, and the writers and journals of the substations.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.protocol import OrderBook
from balancer.metrics import BalancerMetrics
from balancer.placing.decisions import Decisions
from balancer.placing.placement import Placement
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import WaitingRoom
from balancer.placing.vehicles import OneSession, VehicleAsker
from balancer.placing.withdrawals import Withdrawals
from runtime.coalescer import LinkLost
from substation import contract as substation
from substation.contract import Command, Place
from substation.plan import Plan
from tests.support.desk import Desk
from tests.unit.balancer.fleets import Fleet, report

NAMES = ("a", "b", "c")  # of the substations
CAR = Plan(10_000 * 3600, 10_000)


class Network:
    """The links of one balancer to the substations: `loss` of messages, each way, and any delay."""

    def __init__(self, desks: dict[str, Desk], rng: random.Random, loss: float) -> None:
        self._desks = desks
        self._rng = rng
        self._loss = loss
        self._late: set[asyncio.Task[None]] = set()

    def up(self, name: str) -> bool:
        return name in self._desks

    def journal_id(self, name: str) -> str:
        return self._desks[name].journal.station().journal_id

    def get(self, name: str) -> "Wire":
        return Wire(self, name)

    async def found(self, name: str, _within_s: float) -> "Wire":
        return Wire(self, name)

    async def deliver(self, name: str, command: Command) -> substation.SubstationAnswer:
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

    async def call(self, command: Command, within_s: float) -> substation.SubstationAnswer:
        async with asyncio.timeout(within_s):
            return await self._network.deliver(self._name, command)


@contextlib.asynccontextmanager
async def balancer(
    book: OrderBook, network: Network, seed: int
) -> AsyncIterator[tuple[OneSession, VehicleAsker]]:
    """The parts that answer a gateway and ask the substations."""
    fleet = Fleet(*(report(name, journal_id=network.journal_id(name)) for name in NAMES), seed=seed)
    asker = VehicleAsker(network, book, fleet.roster)  # type: ignore[arg-type]
    decommissioned = DecommissionedJournals()
    withdrawals = Withdrawals(book, asker, decommissioned)
    seats = Seats(fleet.view, Decisions(), WaitingRoom(10), lambda: 0.0)
    placement = Placement(
        seats, book, asker, decommissioned, withdrawals, BalancerMetrics(CollectorRegistry())
    )
    try:
        yield OneSession(placement, book, asker, decommissioned, fleet.view), asker
    finally:
        await placement.close()
        await seats.close()
        await withdrawals.close()
