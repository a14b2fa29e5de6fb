"""Looks at the grid again and again during a run: at the loads of the substations, and at the policy."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from loadtest.record.grid_reader import GridReader, NotReady
from loadtest.record.readings import FleetSample

SAMPLE_EVERY_S = 0.25
POLICY_EVERY_S = 1.0


class Sampler:
    """Keeps a sample of the fleet about every quarter of a second."""

    def __init__(
        self, grid: GridReader, substation_urls: Mapping[str, str], now: Callable[[], float]
    ) -> None:
        self.samples: list[FleetSample] = []
        self.substation_ids = tuple(substation_urls)
        self.missed = 0  # readings that did not come
        self._grid = grid
        self._substation_urls = substation_urls
        self._now = now

    async def take(self) -> FleetSample:
        """Take one sample now and keep it."""
        sample = await self._grid.sample(self._substation_urls, self._now)
        self.samples.append(sample)
        self.missed += len(self._substation_urls) - len(sample.readings)
        return sample

    async def run(self) -> None:
        """Sample until cancelled; a moment that has passed is left out, not made up for."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            await self.take()
            due_s = max(due_s + SAMPLE_EVERY_S, loop.time())
            await asyncio.sleep(due_s - loop.time())


class PolicyWatch:
    """Reads the balancer's policy once a second; `changes` has (unix seconds, policy), the first policy included."""

    def __init__(self, grid: GridReader, policy: str, now: Callable[[], float]) -> None:
        self.changes = [(now(), policy)]
        self._grid = grid
        self._now = now

    async def look(self) -> None:
        """Read it once; a balancer that does not answer changes nothing."""
        with contextlib.suppress(NotReady):
            policy = (await self._grid.fleet()).policy
            if policy != self.changes[-1][1]:
                self.changes.append((self._now(), policy))

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(POLICY_EVERY_S)
