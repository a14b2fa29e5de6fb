"""Reads the energy counters of the substations from their `/metrics`, and keeps what they delivered."""

import asyncio
import logging
import time

import aiohttp

from admin_ui.energy.meter import DAY_S, Reading
from admin_ui.energy.store import EnergyStore
from admin_ui.grid.board import Board
from admin_ui.grid.kept_file import FileUnavailable
from admin_ui.grid.turns import Turns
from runtime.whole_body import whole_body

log = logging.getLogger(__name__)

EVERY_S = 10.0
MOST = 50  # asked at once; a larger fleet takes turns
TIMEOUT_S = 3.0
NAME = "smartgrid_substation_energy_joules_total"
MOST_BYTES = 100_000


class EnergyWatch:
    """Reads until cancelled; `today_kwh` is what was delivered since 00:00 UTC, None before it was first looked up."""

    def __init__(self, http: aiohttp.ClientSession, board: Board, store: EnergyStore) -> None:
        self.today_kwh: float | None = None
        self._http = http
        self._board = board
        self._store = store
        self._turns = Turns(MOST)

    async def follow(self) -> None:
        """Ask again and again; a substation that does not answer is read later, and none of its energy is lost."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Read the counters once, and count."""
        rows = {name: (row["url"], row["journal_id"]) for name, row in self._board.rows.items()}
        asked = [self._ask(name, *rows[name]) for name in self._turns.next_of(rows)]
        readings = [each for each in await asyncio.gather(*asked) if each]
        day_s = int(time.time()) // DAY_S * DAY_S
        try:
            await self._store.take(readings)
            today = await self._store.fleet(DAY_S, day_s)
        except FileUnavailable as error:
            log.warning("delivered energy can't be kept", extra={"why": str(error)})
            return
        self.today_kwh = round(today[0][1], 1) if today else 0.0

    async def _ask(self, name: str, url: str, journal_id: str) -> Reading | None:
        try:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            async with self._http.get(f"{url}/metrics", params={"name[]": NAME}, timeout=timeout) as answer:
                answer.raise_for_status()
                text = (await whole_body(answer, MOST_BYTES)).decode()
            return Reading(name, journal_id, _counter(text), int(time.time()))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.debug("a counter of energy is unknown", extra={"substation": name, "why": str(error)})
            return None


def _counter(page: str) -> float:
    """Return the value of the counter on a page; raises ValueError when there is none."""
    line = next((each for each in page.splitlines() if each.startswith(f"{NAME}{{")), "")
    value = float(line.rpartition(" ")[2])
    if not 0 <= value < 1e18:
        raise ValueError(f"{NAME} is {value}")
    return value
