"""Finds the addresses of substations: those that are listed, and all that a name has, looked up again and again.

What a name has lost is not watched any more. A look-up that fails changes nothing.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol
from urllib.parse import urlsplit

from balancer.fleet.view import Fleet
from balancer.metrics import BalancerMetrics
from balancer.settings import DNS

log = logging.getLogger(__name__)

SAY_AGAIN_S = 60.0  # between two lines about a name that can't be resolved

# As loop.getaddrinfo: host and port to a list whose entries end with (address, port, ...).
Resolve = Callable[[str, int], Awaitable[list[tuple[Any, ...]]]]


class Watcher(Protocol):
    """Whoever looks at addresses: the poller."""

    def watch(self, url: str) -> None:
        """Look at an address from now on."""

    def unwatch(self, url: str) -> None:
        """Look at it no more."""


async def resolve(name: str, port: int) -> list[tuple[Any, ...]]:
    """Return the addresses of a name, A and AAAA, without holding the loop up."""
    loop = asyncio.get_running_loop()
    return list(await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM))


class Discovery:
    """Has the poller watch what `sources` names: `http://host:port`, or `dns://name:port`.

    `resolve` may be replaced before the start.
    """

    def __init__(
        self,
        fleet: Fleet,
        poller: Watcher,
        metrics: BalancerMetrics,
        sources: Collection[str],
        every_s: float,
    ) -> None:
        self.resolve: Resolve = resolve
        self._fleet = fleet
        self._poller = poller
        self._metrics = metrics
        self._every_s = every_s
        self._listed = frozenset(source for source in sources if not source.startswith(DNS))
        self._found: dict[str, frozenset[str]] = {
            source: frozenset() for source in sources if source.startswith(DNS)
        }
        self._watched: set[str] = set()
        self._said_s: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Watch what is listed, and begin to look the names up."""
        self._fleet.unresolved.update(self._found)
        self._watch()
        self._tasks = [asyncio.create_task(self._follow(source)) for source in self._found]

    async def close(self) -> None:
        """Look nothing up any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look_up(self, source: str) -> None:
        """Look one name up once."""
        parts = urlsplit(source)
        try:
            found = await self.resolve(parts.hostname or "", parts.port or 0)
            addresses = frozenset(base_url(*entry[-1][:2]) for entry in found if "%" not in entry[-1][0])
        except (OSError, UnicodeError) as error:
            addresses, why = frozenset(), str(error)
        else:
            why = "it has no address"
        self._metrics.resolved(ok=bool(addresses))
        if not addresses:
            self._say(source, why)
            return
        self._fleet.unresolved.discard(source)
        self._found[source] = addresses
        self._watch()

    async def _follow(self, source: str) -> None:
        while True:
            await self.look_up(source)
            await asyncio.sleep(self._every_s)

    def _watch(self) -> None:
        wanted = self._listed.union(*self._found.values())
        for url in sorted(wanted - self._watched):
            log.info("watching", extra={"url": url})
            self._poller.watch(url)
        for url in sorted(self._watched - wanted):
            log.info("not watching any more", extra={"url": url})
            self._poller.unwatch(url)
        self._watched = set(wanted)

    def _say(self, source: str, why: str) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s.get(source, -SAY_AGAIN_S) >= SAY_AGAIN_S:
            self._said_s[source] = now_s
            known = len(self._found[source])
            log.warning("a name can't be resolved", extra={"source": source, "error": why, "known": known})


def base_url(address: str, port: int) -> str:
    """Return the base URL of what listens on an address."""
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
