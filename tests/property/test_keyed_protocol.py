"""The whole protocol of keyed requests under everything that may go wrong, on virtual time.

The real balancer with its order book on the disk, real writers with real journals. Processes are killed and
started, disks are exchanged and lost, links and pages are cut, wall clocks jump, substations are drained and
given up, base loads rise so that sessions are paused. Whatever the seed:

- a key has one session, over all disks that were not given up;
- a session that was told is on its disk;
- the same key is told the same session, unless its journal was given up;
- who is told that nothing was placed has no claim at any substation;
- nothing is claimed at a substation whose stream is down all the time;
- a substation that may still charge is not given up.

The seed is in the name of the test, and plays it again. `SEEDS=0:500 make property` tries more of them.
"""

import asyncio
import collections
import os
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from balancer.contract import BalancerOutcome, Charge
from substation.contract import Drain, SessionState
from tests.support.virtual_grid import KW, Balancer, Station, request
from tests.support.virtual_time import START_S, simulate

SEEDS = range(*map(int, os.environ.get("SEEDS", "0:6").split(":")))
LASTS_S = 45.0
CARS = 80
NOTHING_PLACED = frozenset({BalancerOutcome.NO_CAPACITY, BalancerOutcome.NO_SUBSTATION})
JUMPS_S = (-48 * 3600.0, 48 * 3600.0, 0.0)
UP_FOR_S = 5.0  # a substation whose links and page were whole for so long is seen to be alive


class World:
    """The grid, what was done to it, and what its clients were told."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.rng = rng
        self.folder = folder
        self.stations = [Station(folder, f"s-{n}", 60 * KW) for n in (1, 2, 3)]
        for station in self.stations:
            station.start()
        self.balancer = Balancer(folder, self.stations, rng)
        self.charges: dict[str, Charge] = {}
        self.told: dict[str, set[str]] = collections.defaultdict(set)
        self.in_flight: collections.Counter[str] = collections.Counter()
        self.cut_until_s: dict[str, float] = {}
        self.busy: set[str] = set()  # stations to which something is being done
        self.seen: collections.Counter[str] = collections.Counter()  # what came about, for a look at a run

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def client(self, number: int) -> None:
        """Ask with one key until it is admitted, sometimes twice at once, and sometimes again later."""
        await asyncio.sleep(self.rng.uniform(0, LASTS_S))
        wait_s = self.rng.choice((0, 0, 3))
        charge = request(
            f"key-{number}", self.rng.choice((4, 11, 22)), wait_s, seconds=self.rng.randint(5, 60)
        )
        self.charges[charge.key] = charge
        for _ in range(self.rng.choice((1, 1, 3))):
            copies = self.rng.choice((1, 1, 1, 2))
            await asyncio.gather(*(self._until_admitted(charge) for _ in range(copies)))
            await asyncio.sleep(self.rng.uniform(0, 20))

    async def _until_admitted(self, charge: Charge) -> None:
        while self.now_s < START_S + LASTS_S:
            await self.ask(charge)
            if self.told[charge.key]:
                return
            await asyncio.sleep(self.rng.uniform(0.1, 2))

    async def ask(self, charge: Charge) -> BalancerOutcome | None:
        self.in_flight[charge.key] += 1
        alone = self.in_flight[charge.key] == 1
        asked = await self.balancer.charge(charge)
        alone = alone and self.in_flight[charge.key] == 1
        self.in_flight[charge.key] -= 1
        if not (answer := asked.answer):
            return None
        self.seen[answer.outcome] += 1
        if answer.outcome is BalancerOutcome.ADMITTED and answer.session:
            self.told[charge.key].add(answer.session.session_id)
        if alone and asked.claim and asked.claim != asked.before:
            assert asked.claim.target not in asked.unreached, f"{asked.claim}, where no stream was up"
        if answer.outcome in NOTHING_PLACED and alone:
            assert not (asked.claim and asked.claim.target), f"nothing was placed, but {asked.claim}"
        return answer.outcome

    async def trouble(self) -> None:
        """One fault after another, some at once."""
        kinds: list[Callable[[Station], Awaitable[None]]] = [
            self.crash,
            self.crash,
            self.exchange,
            self.lose_disk,
            self.cut,
            self.cut,
            self.drain,
            self.raise_base_load,
            self.raise_base_load,
            self.jump,
            self.restart_balancer,
            self.give_up_alive,
            self.give_up_alive,
        ]
        doing = []
        while self.now_s < START_S + LASTS_S:
            await asyncio.sleep(self.rng.expovariate(0.7))
            station = self.rng.choice(self.stations)
            kind = self.rng.choice(kinds)
            if station.name not in self.busy:
                self.seen[kind.__name__] += 1
                doing.append(asyncio.create_task(self._do(kind, station)))
        await asyncio.gather(*doing)

    async def _do(self, kind: Callable[[Station], Awaitable[None]], station: Station) -> None:
        self.busy.add(station.name)
        try:
            await kind(station)
        finally:
            self.busy.discard(station.name)

    async def crash(self, station: Station) -> None:
        station.kill()
        await asyncio.sleep(self.rng.uniform(0.1, 6))
        station.start()

    async def exchange(self, station: Station) -> None:
        """It comes back with another disk, a new one or one that it had before."""
        station.kill()
        await asyncio.sleep(self.rng.choice((0.01, 3.0)))
        station.start(self.rng.choice([*station.disks, max(station.disks) + 1]))

    async def lose_disk(self, station: Station) -> None:
        """A disk is lost for good, and an operator gives its journal up: the present one, or a former one."""
        former = [disk for disk in station.disks if disk != station.disk]
        disk = self.rng.choice(former) if former and self.rng.random() < 0.6 else station.disk
        if disk == station.disk:
            station.kill()
        journal_id = station.destroy(disk)
        for _ in range(40):
            await asyncio.sleep(0.5)
            given_up = await self.balancer.decommission(station.name, journal_id)
            if given_up and given_up.outcome in {BalancerOutcome.DONE, BalancerOutcome.NOT_FOUND}:
                self.seen["given up"] += given_up.outcome is BalancerOutcome.DONE
                break
        if disk == station.disk:
            station.start(max([*station.disks, disk]) + 1)

    async def cut(self, station: Station) -> None:
        """The stream, the page or both are cut for a while."""
        station.stream_cut, station.page_cut = self.rng.choice(((True, False), (False, True), (True, True)))
        await asyncio.sleep(self.rng.uniform(0.2, 8))
        station.stream_cut = station.page_cut = False
        station.since_s = self.now_s

    async def raise_base_load(self, station: Station) -> None:
        """The base load rises for a while; the substation may be killed in mid-pause."""
        station.transformer.watts = self.rng.choice((10, 30, 50, 70)) * KW
        for look in range(self.rng.randint(2, 16)):
            await asyncio.sleep(0.5)
            station.follow()
            self.seen["looks with paused sessions"] += bool(station.desk and station.report().paused)
            if look and self.rng.random() < 0.1:
                await self.crash(station)
        station.transformer.watts = 0

    async def look_at_base_loads(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            for station in self.stations:
                station.follow()

    async def drain(self, station: Station) -> None:
        for on in (True, False):
            if station.desk:
                station.decide(Drain(on), float("inf"))
            await asyncio.sleep(self.rng.uniform(0.5, 4))

    async def jump(self, station: Station) -> None:
        station.jumped_s = self.rng.choice(JUMPS_S)
        self.balancer.jumped_s = self.rng.choice(JUMPS_S)

    async def restart_balancer(self, station: Station) -> None:
        if not self.balancer.alive:
            return
        await self.balancer.kill()
        await asyncio.sleep(self.rng.uniform(0.1, 2))
        self.balancer = Balancer(self.folder, self.stations, self.rng, jumped_s=self.rng.choice(JUMPS_S))

    async def give_up_alive(self, station: Station) -> None:
        """An operator errs, after at most one poll was missed."""
        if not station.desk or self.now_s - station.since_s < UP_FOR_S:
            return
        station.page_cut = True
        await asyncio.sleep(self.rng.choice((0.0, 1.2)))
        answer = await self.balancer.decommission(station.name)
        station.page_cut = False
        assert answer is None or answer.outcome is not BalancerOutcome.DONE, (
            "a living substation was given up"
        )
        self.seen["refused to give up"] += 1

    async def settle(self) -> None:
        """All is well again, with the disks that are there now; and everybody who was admitted asks once more."""
        for station in self.stations:
            station.page_cut = station.stream_cut = False
            if not station.desk:
                station.start()
        await self.balancer.ready(*(station.name for station in self.stations))
        await asyncio.sleep(2)
        running = {s.session_id for station in self.stations for s in station.sessions(station.disk)}
        for key, told in list(self.told.items()):
            if kept := told - self.destroyed:
                here = kept <= running
                assert await self.ask(self.charges[key]) is (
                    BalancerOutcome.ADMITTED if here else BalancerOutcome.UNKNOWN
                )

    @property
    def destroyed(self) -> set[str]:
        """The sessions that were on disks that do not exist any more."""
        return {each for station in self.stations for each in station.destroyed}

    def check(self) -> None:
        """Hold the disks against what was told."""
        on_disks: dict[str, list[str]] = collections.defaultdict(list)
        for station in self.stations:
            for disk in station.disks:
                for session in station.sessions(disk):
                    if session.state is not SessionState.WITHDRAWN:
                        on_disks[session.vehicle_id].append(session.session_id)
        for vehicle_id, sessions in on_disks.items():
            assert len(sessions) == 1, f"{vehicle_id} has {sessions}"
        for key, told in self.told.items():
            kept = told - self.destroyed
            assert len(kept) <= 1, f"{key} was told {kept}"
            assert kept <= set(on_disks[f"car-{key}"]), f"{key} was told {kept}, which no disk has"


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_a_key_has_one_session_and_one_answer_whatever_goes_wrong(tmp_path: Path, seed: int) -> None:
    async def run(rng: random.Random) -> None:
        world = World(tmp_path, rng)
        clients = [asyncio.create_task(world.client(number)) for number in range(CARS)]
        looking = asyncio.create_task(world.look_at_base_loads())
        await asyncio.gather(world.trouble(), *clients)
        world.check()
        assert len(world.told) > CARS / 2
        await world.settle()
        world.check()
        looking.cancel()
        await world.balancer.kill()
        for station in world.stations:
            station.kill()

    simulate(run, seed)
