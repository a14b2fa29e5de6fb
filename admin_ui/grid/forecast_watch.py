"""Asks the balancer how high base loads will be soon, for the alarm that a substation will be at its limit."""

import asyncio
from collections.abc import Mapping
from typing import Any

from admin_ui.grid.base_load_days import W_PER_KW
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.grid.turns import Turns
from admin_ui.grid.view import ExpectedPeak

EVERY_S = 5.0
MOST = 20  # asked at once; a larger fleet takes turns
SOON = 8  # quarter hours


class ForecastWatch:
    """Keeps `peaks` up to date, by substation."""

    def __init__(self, calls: GridCalls, board: Board, peaks: dict[str, ExpectedPeak]) -> None:
        self._calls = calls
        self._board = board
        self._peaks = peaks
        self._turns = Turns(MOST)

    async def follow(self) -> None:
        """Ask until cancelled; where there is no forecast, no peak is expected."""
        while True:
            carriers = self._board.carriers()
            for name in self._peaks.keys() - carriers.keys():
                del self._peaks[name]
            await asyncio.gather(*map(self._ask, self._turns.next_of(carriers)))
            await asyncio.sleep(EVERY_S)

    async def _ask(self, name: str) -> None:
        peak = peak_of((await self._calls.forecast(name)).body)
        if peak:
            self._peaks[name] = peak
        else:
            self._peaks.pop(name, None)


def peak_of(forecast: Mapping[str, Any]) -> ExpectedPeak | None:
    """Return the highest expected base load of the next SOON quarter hours; None without a forecast."""
    steps = (forecast.get("base_load_w") or [])[:SOON]
    if not steps:
        return None
    highest = max(steps, key=lambda step: float(step["mean"]))
    return ExpectedPeak(round(highest["mean"] / W_PER_KW, 1), f"{highest['weekday']} {highest['time']}")
