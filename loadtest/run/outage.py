"""Drains one substation in the middle of a run by the balancer's operator calls, and restores it afterwards."""

import asyncio
import functools
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from loadtest.plan.oracle import Drain
from loadtest.record.grid_reader import NotReady
from loadtest.run.restore import NotRestored, restore

ORDER_TIMEOUT_S = 10.0
RESTORE_TRIES = 10


class Outage:
    """A context in which a substation is drained, `drain.at_s` after it was entered. Leaving it restores the substation.

    Without a `drain` it does nothing. Only `kill -9`, or a balancer that does not answer any more,
    leaves the substation drained.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        balancer_url: str,
        drain: Drain | None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` go with every order."""
        self._http = http
        self._headers = headers
        self._url = f"{balancer_url}/fleet/{drain.substation_id}" if drain else ""
        self._after_s = drain.at_s if drain else 0.0
        self._left = asyncio.Event()
        self._drained = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to wait for the moment."""
        if self._url:
            self._task = asyncio.create_task(self._drain_later())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the substation; raises NotRestored."""
        if not self._task:
            return
        self._left.set()  # an order that is under way ends first: it must not overtake the one that undoes it
        await asyncio.wait({self._task})
        if self._drained:
            await self._restore()
        self._task.result()

    async def _drain_later(self) -> None:
        try:
            await asyncio.wait_for(self._left.wait(), max(self._after_s, 0))
        except TimeoutError:
            self._drained = True  # even if the answer is lost
        else:
            return
        try:
            await self._order("drain")
        except (aiohttp.ClientError, OSError) as error:
            raise NotRestored(f"the substation can't be drained: {error!r}") from error

    async def _restore(self) -> None:
        order = functools.partial(self._order, "restore")
        if why := await restore(order, RESTORE_TRIES, (aiohttp.ClientError, OSError)):
            raise NotRestored(f"a substation is still drained ({why}): curl -X POST {self._url}/restore")

    async def _order(self, order: str) -> None:
        timeout = aiohttp.ClientTimeout(total=ORDER_TIMEOUT_S)
        url = f"{self._url}/{order}"
        async with self._http.post(
            url, headers=self._headers, timeout=timeout, allow_redirects=False
        ) as answer:
            answer.raise_for_status()


async def check_not_drained(http: aiohttp.ClientSession, balancer_url: str, drain: Drain | None) -> None:
    """Raise NotReady when the substation of `drain` is drained already, since the run would restore it."""
    if not drain:
        return
    url = f"{balancer_url}/fleet"
    try:
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=ORDER_TIMEOUT_S)) as answer:
            fleet = await answer.json()
        draining = [each["substation_id"] for each in fleet["substations"] if each.get("draining")]
    except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError) as error:
        raise NotReady(f"{url} can't be read: {error!r}") from error
    if drain.substation_id in draining:
        raise NotReady(f"{drain.substation_id} is drained already: this run would restore it")
