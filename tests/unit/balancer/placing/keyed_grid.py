"""The real balancer and real journals on virtual time, for tests of keys."""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from balancer.contract import BalancerAnswer, BalancerOutcome
from tests.support.virtual_grid import KW, Balancer, Station, request
from tests.support.virtual_time import simulate


@dataclasses.dataclass
class Grid:
    """Substations `s-1`, `s-2`, ... and a balancer."""

    balancer: Balancer
    stations: dict[str, Station]

    async def charge(self, key: str, kw: int = 10, wait_s: float = 0, **changed: object) -> BalancerAnswer:
        asked = await self.balancer.charge(request(key, kw, wait_s, **changed))  # type: ignore[arg-type]
        assert asked.answer
        return asked.answer

    async def placed(self, key: str, kw: int = 10, wait_s: float = 0, **changed: object) -> str:
        """Where a request was placed."""
        answer = await self.charge(key, kw, wait_s, **changed)
        assert answer.outcome is BalancerOutcome.ADMITTED, answer
        assert answer.session
        return answer.session.session_id

    async def lose(self, *names: str) -> None:
        """Kill substations, and wait until they are ejected."""
        for name in names:
            self.stations[name].kill()
        await asyncio.sleep(5)
        assert {str(self.balancer.state(name)) for name in names} == {"ejected"}

    def sessions(self) -> list[str]:
        return [
            session.session_id
            for station in self.stations.values()
            for disk in station.disks
            for session in station.sessions(disk)
        ]


def on_a_grid(
    folder: Path, capacities_kw: tuple[int, ...], scenario: Callable[[Grid], Awaitable[None]]
) -> None:
    async def run(rng: random.Random) -> None:
        stations = [
            Station(folder, f"s-{number}", kw * KW) for number, kw in enumerate(capacities_kw, start=1)
        ]
        for station in stations:
            station.start()
        balancer = Balancer(folder, stations, rng)
        await balancer.ready(*(station.name for station in stations))
        grid = Grid(balancer, {station.name: station for station in stations})
        try:
            await scenario(grid)
        finally:
            await grid.balancer.kill()
            for station in stations:
                station.kill()

    simulate(run, 1)
