"""Callers that keep a substation busy."""

import asyncio
import itertools
import time
from collections.abc import Iterator

from runtime.coalescer import LinkLost
from tests.support.processes import HUNG_S
from tests.support.sessions import place
from tests.support.substation_app import Grid


class Load:
    """Callers that place one session after the other until their link is lost."""

    def __init__(self, grid: Grid, callers: int = 8) -> None:
        self.placed: dict[str, str] = {}  # session id by key
        self.longest_s = 0.0
        self._grid = grid
        self._numbers: Iterator[int] = itertools.count()
        self._callers = [asyncio.create_task(self._place()) for _ in range(callers)]

    async def reaches(self, count: int) -> None:
        while len(self.placed) < count:
            await asyncio.sleep(0.005)

    async def ends(self) -> None:
        """Wait for the callers, whose link is lost; one that had not sent yet waits for the next link."""
        ended, waiting = await asyncio.wait(self._callers, timeout=2)
        for caller in waiting:
            caller.cancel()
        await asyncio.gather(*ended)

    async def _place(self) -> None:
        while True:
            key = f"key-{next(self._numbers)}"
            began_s = time.monotonic()
            try:
                answer = await self._grid.ask(place(key, power_w=10), within_s=HUNG_S)
            except LinkLost:
                return
            if answer.outcome != "placed":
                assert answer.outcome == "unavailable"  # it is stopping
                return
            self.longest_s = max(self.longest_s, time.monotonic() - began_s)
            self.placed[key] = answer.session.session_id
