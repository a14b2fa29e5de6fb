"""Follows all balancers that a setting names, those too that a name stands for."""

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from admin_ui.grid.balancers import Balancers
from admin_ui.grid.board import Board
from runtime.background import cancelled, kept_going
from runtime.name_lookup import Resolve, looked_up
from runtime.settings import DNS

log = logging.getLogger(__name__)


class FleetFeeds:
    """One feed for each balancer; an address that a name loses is followed no more."""

    def __init__(
        self,
        sources: Sequence[str],
        scheme: str,
        balancers: Balancers,
        board: Board,
        feed: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        """`sources` are base URLs and `dns://name:port`, called by `scheme`; `feed` follows one balancer until cancelled."""
        self._listed = [source for source in sources if not source.startswith(DNS)]
        self._found: dict[str, list[str]] = {source: [] for source in sources if source.startswith(DNS)}
        self._scheme = scheme
        self._balancers = balancers
        self._board = board
        self._feed = feed
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def follow(self, every_s: float, resolve: Resolve) -> None:
        """Follow until cancelled; names are looked up every `every_s`, and a look-up that fails changes nothing."""
        try:
            await self._know()
            while self._found:
                await self._look_up(resolve)
                await self._know()
                await asyncio.sleep(every_s)
            await asyncio.gather(*self._tasks.values())
        finally:
            await cancelled(list(self._tasks.values()))

    async def _look_up(self, resolve: Resolve) -> None:
        for source, before in self._found.items():
            try:
                addresses = await looked_up(source, resolve)
            except (OSError, UnicodeError) as error:
                log.warning("a name can't be resolved", extra={"source": source, "error": str(error)})
                continue
            self._found[source] = sorted(f"{self._scheme}://{each}" for each in addresses) or before

    async def _know(self) -> None:
        gone = self._balancers.know([*self._listed, *(url for urls in self._found.values() for url in urls)])
        ended = [self._tasks.pop(url) for url in gone if url in self._tasks]
        await cancelled(ended)
        for url in gone:
            self._board.forget(url, time.monotonic())
        for url in self._balancers.by_url:
            if url not in self._tasks:
                self._tasks[url] = asyncio.create_task(kept_going(functools.partial(self._feed, url)))
