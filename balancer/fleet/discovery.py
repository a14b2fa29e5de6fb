"""Finds the addresses of substations: those that are listed, and all that a name has, looked up again and again.

An address that a name has lost is not watched any more. A look-up that fails changes nothing.
"""

import asyncio
import dataclasses
import functools
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol
from urllib.parse import urlsplit

from balancer.fleet.addresses import Addresses
from balancer.metrics import BalancerMetrics
from balancer.settings import DNS
from runtime.background import kept_going

log = logging.getLogger(__name__)

SAY_AGAIN_S = 60.0  # between two lines about a name that can't be resolved

# As loop.getaddrinfo: host and port to a list whose entries end with (address, port, ...).
Resolve = Callable[[str, int], Awaitable[list[tuple[Any, ...]]]]


class Watcher(Protocol):
    """Watches addresses; in a balancer, the poller does."""

    def watch(self, url: str) -> None:
        """Watch an address from now on."""

    def unwatch(self, url: str) -> None:
        """Stop watching an address."""


async def resolve(name: str, port: int) -> list[tuple[Any, ...]]:
    """Return the addresses of a name, A and AAAA, without blocking the event loop."""
    loop = asyncio.get_running_loop()
    return list(await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM))


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where substations are: `http://host:port`, or `dns://name:port`, looked up every `every_s` and called by `scheme`."""

    names: Collection[str]
    every_s: float
    scheme: str = "http"


class Discovery:
    """Makes the poller watch what `sources` names.

    `resolve` looks a name up. Names without an address are noted in `addresses`.
    """

    def __init__(
        self,
        addresses: Addresses,
        poller: Watcher,
        metrics: BalancerMetrics,
        sources: Sources,
        resolve: Resolve,
    ) -> None:
        self._scheme = sources.scheme
        self._resolve = resolve
        self._addresses = addresses
        self._poller = poller
        self._metrics = metrics
        self._every_s = sources.every_s
        self._listed = frozenset(source for source in sources.names if not source.startswith(DNS))
        self._found: dict[str, frozenset[str]] = {
            source: frozenset() for source in sources.names if source.startswith(DNS)
        }
        self._watched: set[str] = set()
        self._said_s: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Watch the listed addresses, and start to look names up."""
        self._addresses.unresolved.update(self._found)
        self._watch()
        self._tasks = [
            asyncio.create_task(kept_going(functools.partial(self._follow, source))) for source in self._found
        ]

    async def close(self) -> None:
        """Stop looking names up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look_up(self, source: str) -> None:
        """Look one name up once."""
        parts = urlsplit(source)
        try:
            found = await self._resolve(parts.hostname or "", parts.port or 0)
            addresses = frozenset(
                base_url(entry[-1][0], entry[-1][1], self._scheme)
                for entry in found
                if "%" not in entry[-1][0]
            )
        except (OSError, UnicodeError) as error:
            addresses, why = frozenset(), str(error)
        else:
            why = "it has no address"
        self._metrics.resolved(ok=bool(addresses))
        if not addresses:
            self._say(source, why)
            return
        self._addresses.unresolved.discard(source)
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


def base_url(address: str, port: int, scheme: str = "http") -> str:
    """Return the base URL of the service that listens on an address."""
    return f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
