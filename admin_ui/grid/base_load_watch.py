"""Asks substations that have a base load for its source, and for their time of day.

The balancer's view has the base load itself. Only the substation knows whether its meter is silent, and its calendar.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp

from admin_ui.grid.board import Board
from admin_ui.grid.turns import Turns
from admin_ui.grid.view import BaseLoadSource
from runtime import strict_json

log = logging.getLogger(__name__)

EVERY_S = 2.0
MOST = 20  # asked at once; a larger fleet takes turns
TIMEOUT_S = 1.5
MOST_WORDS = 40  # of a time of day


class BaseLoadWatch:
    """Keeps `sources` up to date, by substation."""

    def __init__(self, http: aiohttp.ClientSession, board: Board, sources: dict[str, BaseLoadSource]) -> None:
        self._http = http
        self._board = board
        self._sources = sources
        self._turns = Turns(MOST)

    async def follow(self) -> None:
        """Ask until cancelled; a substation that does not answer is not known."""
        while True:
            carriers = self._board.carriers()
            for name in self._sources.keys() - carriers.keys():
                del self._sources[name]
            await asyncio.gather(*(self._ask(name, carriers[name]) for name in self._turns.next_of(carriers)))
            await asyncio.sleep(EVERY_S)

    async def _ask(self, name: str, url: str) -> None:
        try:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            async with self._http.get(f"{url}/base-load", timeout=timeout) as answer:
                answer.raise_for_status()
                self._sources[name] = source_of(await answer.json(loads=strict_json.decode))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError) as error:
            log.debug("the source of a base load is unknown", extra={"substation": name, "why": str(error)})
            self._sources.pop(name, None)


def source_of(answer: Mapping[str, Any]) -> BaseLoadSource:
    """Read the answer of `/base-load`; raises KeyError or TypeError for any other answer.

    A substation of an earlier version tells no basis: `""`.
    """
    stale, grid_time, basis = answer["stale"], answer["grid_time"], answer.get("basis", "")
    if not isinstance(stale, bool) or not isinstance(grid_time, str) or not isinstance(basis, str):
        raise TypeError("stale is no boolean, or grid_time or basis no text")
    return BaseLoadSource(stale, grid_time[:MOST_WORDS], basis[:MOST_WORDS])
