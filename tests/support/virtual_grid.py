"""A grid on virtual time: the real balancer without its sockets, and real writers over real journals.

Only the network between them, its faults, the processes and the clocks are simulated. Time is that of the event loop.
"""

import asyncio
import dataclasses
import itertools
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import BookUnavailable, Claim
from balancer.contract import BalancerAnswer, Charge
from balancer.fleet.health import HealthState
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.metrics import BalancerMetrics
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.substation_orders import SubstationOrders
from balancer.placing.asking import Asker
from balancer.placing.decisions import Decisions
from balancer.placing.placement import Placement
from balancer.placing.policies import PolicySwitch
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import WaitingRoom
from balancer.placing.withdrawals import Withdrawals
from runtime.coalescer import LinkLost
from runtime.machine import Machine
from substation import contract as substation
from substation.plan import Plan
from substation.writer import Request
from tests.support.desk import Desk, Transformer
from tests.support.sessions import UNIX_MS
from tests.support.virtual_time import START_S, LoopCommit, Process

T = TypeVar("T")
POLL_S = 1.0
RECONNECT_S = (0.05, 0.5)
DELAY_S = (0.0002, 0.003)
LATE_S = (0.05, 1.5)  # a message in fifty
PRUNE_EVERY_S = 2.0
DEADLINE_S = 4.8
KW = 1000


class Station:
    """A substation's process, whose journal is on one of its disks.

    `page_cut` and `stream_cut` say whether the network between it and the balancer is cut.
    """

    def __init__(self, folder: Path, name: str, capacity_w: int) -> None:
        self.name = name
        self.url = f"http://{name}:1"
        self.page_cut = self.stream_cut = False
        self.jumped_s = 0.0  # of its wall clock
        self.desk: Desk | None = None  # while it runs
        self.life = 0  # a number of this run, and of what is connected to it
        self.since_s = 0.0
        self.disk = 0
        self.disks: dict[int, str] = {}  # journal ids of those that were used and still exist
        self.destroyed: list[str] = []  # sessions that were on disks that do not exist any more
        self.transformer = Transformer()
        self._folder = folder / name
        self._capacity_w = capacity_w
        self._seq = itertools.count(1)

    def start(self, disk: int | None = None) -> None:
        """Start it with the journal of a disk, made if absent."""
        self.disk = self.disk if disk is None else disk
        self.desk = self._open(self.disk)
        self.disks[self.disk] = self.desk.journal.station().journal_id
        self.life += 1
        self.since_s = asyncio.get_running_loop().time()

    def kill(self) -> None:
        if self.desk:
            self.desk.stop()
        self.desk = None
        self.life += 1

    def destroy(self, disk: int) -> str:
        """A disk is lost for good; returns the id of its journal."""
        assert not self.desk or self.disk != disk
        self.destroyed += [session.session_id for session in self.sessions(disk)]
        for path in self._folder.glob(f"{disk}.sqlite*"):
            path.unlink()
        return self.disks.pop(disk)

    def sessions(self, disk: int) -> list[substation.Session]:
        """Return the sessions on a disk."""
        running = self.desk if self.desk and self.disk == disk else None
        desk = running or self._open(disk)
        self._tick(desk)
        found: list[substation.Session] = []
        after = 0
        while True:
            (page,) = desk.ask(substation.ListSessions(after, 1000))
            found += page.sessions
            if not (after := page.next_after):
                break
        if not running:
            desk.stop()
        return found

    def decide(self, command: substation.Command, until_s: float) -> substation.SubstationAnswer:
        assert self.desk
        self._tick(self.desk)
        (answer,) = self.desk.commit([Request(command, until_s)])
        return answer

    def follow(self) -> None:
        """Look at the base load, as a substation that runs does twice a second."""
        if self.desk and (self.transformer.watts or self.desk.ledger.sessions.paused):
            self._tick(self.desk)
            self.desk.follow()

    def report(self) -> substation.Report:
        assert self.desk
        self._tick(self.desk)
        now_ms, published, known = self.desk.now_ms, self.desk.writer.published, self.desk.journal.station()
        curve = published.curve
        return substation.Report(
            self.name,
            known.journal_id,
            known.epoch,
            next(self._seq),
            curve.load_at(now_ms),
            curve.capacity_w,
            published.draining,
            curve.releases_at(now_ms, 1.0),
            curve.sessions_at(now_ms),
            self._capacity_w,
            base_load_w=self.transformer.watts,
            owed_w=curve.owed_w,
            paused=len(curve.paused),
        )

    def _open(self, disk: int) -> Desk:
        now_s = asyncio.get_running_loop().time()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{disk}.sqlite"
        desk = Desk(path, self._capacity_w, name=self.name, now_s=now_s, transformer=self.transformer)
        desk.journal._store.run("PRAGMA synchronous = OFF")  # nothing here pulls the plug
        return desk

    def _tick(self, desk: Desk) -> None:
        desk.monotonic_s = asyncio.get_running_loop().time()
        desk.unix_s = UNIX_MS / 1000 + desk.monotonic_s - START_S + self.jumped_s


class SimulatedLink:
    """The stream to one station, that comes up again some time after it was lost."""

    def __init__(self, network: "Network", station: Station) -> None:
        self._network = network
        self._station = station
        self._joined = 0  # the run of the station to which it is connected; 0: it is down
        self.closed = False
        self.connections = 0  # how often it came up

    @property
    def up(self) -> bool:
        station = self._station
        if self._joined != station.life or not station.desk or station.stream_cut or self.closed:
            self._joined = 0
        return bool(self._joined)

    async def keep(self) -> None:
        """Connect again and again; the greeting brings a report."""
        while True:
            await asyncio.sleep(self._network.rng.uniform(*RECONNECT_S))
            if self.closed:
                return
            if not (self.up or self._station.stream_cut) and self._station.desk:
                self._joined = self._station.life
                self.connections += 1
                self._network.hear(self._station)

    async def call(self, command: substation.Command, within_s: float) -> substation.SubstationAnswer:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within_s):
            while not self.up:
                if self.closed:
                    raise LinkLost(self._station.name)
                await asyncio.sleep(0.01)
            future: asyncio.Future[substation.SubstationAnswer] = loop.create_future()
            arrives_s = self._network.delay_s()
            loop.call_later(arrives_s, self._arrive, command, loop.time() + within_s, self._joined, future)
            while not future.done():
                if not self.up:
                    raise LinkLost(self._station.name)
                await asyncio.wait([future], timeout=0.05)
            return future.result()

    def _arrive(
        self, command: Any, until_s: float, life: int, future: "asyncio.Future[substation.SubstationAnswer]"
    ) -> None:
        """A message that is on the way when its stream is lost may still arrive, while the process lives."""
        if life != self._station.life or not self._station.desk:
            return
        answer = self._station.decide(command, until_s)
        asyncio.get_running_loop().call_later(self._network.delay_s(), self._reply, life, answer, future)

    def _reply(
        self,
        life: int,
        answer: substation.SubstationAnswer,
        future: "asyncio.Future[substation.SubstationAnswer]",
    ) -> None:
        if self.up and life == self._joined and not future.done():
            self._network.hear(self._station)
            future.set_result(answer)


class Network:
    """The links of one balancer by the names of substations, in place of sockets."""

    def __init__(self, rng: random.Random, process: Process, roster: Roster) -> None:
        self.rng = rng
        self._process = process
        self._links: dict[str, SimulatedLink] = {}
        self._roster = roster

    def delay_s(self) -> float:
        return self.rng.uniform(*(LATE_S if self.rng.random() < 0.02 else DELAY_S))

    def get(self, name: str) -> SimulatedLink | None:
        return self._links.get(name)

    async def found(self, name: str, within_s: float) -> SimulatedLink | None:
        try:
            async with asyncio.timeout(within_s):
                while name not in self._links:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return None
        return self._links[name]

    def up(self, name: str) -> bool:
        return name in self._links and self._links[name].up

    def down(self) -> set[tuple[str, int]]:
        """Return the substations whose link is down, with the number of times that it came up before."""
        return {(name, link.connections) for name, link in self._links.items() if not link.up}

    def connect(self, station: Station) -> None:
        if station.name not in self._links:
            self._links[station.name] = SimulatedLink(self, station)
            self._process.run(self._links[station.name].keep())

    def disconnect(self, name: str) -> None:
        if link := self._links.pop(name, None):
            link.closed = True

    def hear(self, station: Station) -> None:
        self._roster.adopt(station.report(), asyncio.get_running_loop().time())


@dataclasses.dataclass
class RequestEnd:
    """How a request ended: `answer` is None when the balancer was killed meanwhile.

    `unreached` are those whose link was down all the time.
    """

    answer: BalancerAnswer | None
    claim: Claim | None = None
    before: Claim | None = None
    unreached: frozenset[str] = frozenset()


class Balancer(Process):
    """The real parts of a balancer, and its order book on the disk."""

    def __init__(
        self, folder: Path, stations: list[Station], rng: random.Random, *, jumped_s: float = 0
    ) -> None:
        super().__init__()
        self._folder = folder
        self._stations = stations
        self._rng = rng
        self.jumped_s = jumped_s  # of its wall clock
        self._starting = self.run(self._start())

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self.roster = Roster(POLL_S)
        self.links = links = Network(self._rng, self, self.roster)
        self.view = View(self.roster, links.up, PolicySwitch(random.Random(self._rng.random())))
        machine = Machine(
            loop.time,
            lambda: UNIX_MS / 1000 + loop.time() - START_S + self.jumped_s,
            random=self._rng,
            commits=lambda _, work: LoopCommit(self._rng, work),
        )
        self.book = EmbeddedBook(
            self._folder / "balancer" / "orders.sqlite",
            machine,
        )
        self.book._store.run("PRAGMA synchronous = OFF")
        self.asker = asker = Asker(links, self.roster, machine)  # type: ignore[arg-type]
        self.decommissioned = DecommissionedJournals()
        self.operator = OperatorSettings(
            self.view, self.book, self.decommissioned, lambda: self._tidy(links), machine
        )
        self.orders = SubstationOrders(
            self.view, self.book, asker, self.decommissioned, self.operator, machine
        )
        seats = Seats(self.view, Decisions(), WaitingRoom(100), machine=machine)
        withdrawals = Withdrawals(self.book, asker, self.decommissioned)
        metrics = BalancerMetrics(CollectorRegistry())
        self.placement = Placement(seats, self.book, asker, self.decommissioned, withdrawals, metrics)
        await self.operator.read()
        await withdrawals.resume()
        self.run(self.operator.follow())
        self.run(self._prune())
        for station in self._stations:
            self.roster.addresses.watch(station.url)
            self.run(self._poll(links, station))

    async def ready(self, *names: str) -> None:
        """Wait until it has started and substations are healthy."""
        await self._started()
        while not all(self.state(name) is HealthState.HEALTHY for name in names):
            await asyncio.sleep(0.1)

    def state(self, name: str) -> HealthState:
        member = self.roster.members.get(name)
        return self.view.state(member, asyncio.get_running_loop().time()) if member else HealthState.UNSEEN

    async def charge(self, charge: Charge, asking_s: float = DEADLINE_S) -> RequestEnd:
        """Ask it to place a request with a key; returns the answer with the claim that is then in its book."""
        until_s = asyncio.get_running_loop().time() + charge.max_wait_ms / 1000 + asking_s
        return await self._within(self._charge(charge, until_s)) or RequestEnd(None)

    async def _charge(self, charge: Charge, until_s: float) -> RequestEnd:
        await self._started()
        before = await self.book.claim(charge.key, charge.fingerprint, None)
        down = self.links.down()
        answer, _ = await self.placement.charge(charge, until_s)
        unreached = frozenset(name for name, _ in down & self.links.down())
        return RequestEnd(
            answer, await self.book.claim(charge.key, charge.fingerprint, None), before, unreached
        )

    async def decommission(self, name: str, journal_id: str = "") -> BalancerAnswer | None:
        return await self._within(self._decommission(name, journal_id))

    async def _decommission(self, name: str, journal_id: str) -> BalancerAnswer:
        await self._started()
        return await self.orders.decommission(name, journal_id)

    async def _within(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return the result of work in this process, None if it is killed meanwhile."""
        if not self.alive:
            work.close()
            return None
        task = self.run(work)
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    async def _started(self) -> None:
        await asyncio.shield(self._starting)

    async def kill(self) -> None:
        await super().kill()
        if hasattr(self, "book"):
            self.book._store.close()

    async def _poll(self, links: Network, station: Station) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._rng.uniform(0, 0.1))
        while True:
            if not station.desk or station.page_cut:
                self.roster.addresses.missed(station.url)
            elif not self.decommissioned.includes(station.name, (report := station.report()).journal_id):
                self.roster.polled(station.url, report, loop.time())
                links.connect(station)
            self._tidy(links)
            await asyncio.sleep(POLL_S * self._rng.uniform(0.95, 1.05))

    def _tidy(self, links: Network) -> None:
        for gone in self.roster.forget(asyncio.get_running_loop().time()):
            links.disconnect(gone)

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            try:
                await self.book.prune()
            except BookUnavailable:
                return


def request(key: str, kw: int = 10, wait_s: float = 0, *, seconds: int = 3600, **changed: Any) -> Charge:
    """A request with a key, for `seconds` of charging at full power."""
    fields = {"fingerprint": f"{kw}", "vehicle_id": f"car-{key}"} | changed
    plan = Plan(2 * kw * KW * seconds, kw * KW, seconds * 1000)
    return Charge(key=key, plan=plan, max_wait_ms=int(wait_s * 1000), **fields)
