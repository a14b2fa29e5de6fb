"""Finds the addresses of substations: those that are listed, and all that a name has, looked up again and again.

An address that a name has lost is not watched any more. A look-up that fails changes nothing.
"""

import asyncio
import dataclasses
import functools
import logging
import time
from collections.abc import Collection
from typing import Protocol

from balancer.fleet.addresses import Addresses
from balancer.metrics import BalancerMetrics
from runtime.background import kept_going
from runtime.name_lookup import Resolve, looked_up
from runtime.settings import DNS

log = logging.getLogger(__name__)

SAY_AGAIN_S = 60.0  # between two lines about a name that can't be resolved


class Watcher(Protocol):
    """Watches addresses; in a balancer, the poller does."""

    def watch(self, url: str) -> None:
        """Watch an address from now on."""

    def unwatch(self, url: str) -> None:
        """Stop watching an address."""


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
        try:
            found = await looked_up(source, self._resolve)
            addresses = frozenset(f"{self._scheme}://{each}" for each in found)
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
