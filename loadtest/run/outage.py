"""Drains one substation in the middle of a run by the balancer's operator calls, and restores it after."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import aiohttp

from loadtest.plan.oracle import Drain
from loadtest.send.grid import NotReady, NotRestored

ORDER_TIMEOUT_S = 10.0
RESTORE_TRIES = 10
TRY_AGAIN_S = 1.0


class Outage:
    """A context in which `drain.substation_id` is drained at its moment; restored whenever it is left.

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
        """`headers` are sent with every order."""
        self._http = http
        self._headers = headers
        self._url = f"{balancer_url}/fleet/{drain.substation_id}" if drain else ""
        self._drain = drain
        self._left = asyncio.Event()
        self._drained = False
        self._task: asyncio.Task[None] | None = None

    def begin(self, start_unix_s: float, now: Callable[[], float]) -> None:
        """Drain at the plan's moment after `start_unix_s` by the clock `now`."""
        if self._drain:
            due_s = start_unix_s + self._drain.at_s - now()
            self._task = asyncio.create_task(self._drain_after(due_s))

    async def __aenter__(self) -> Self:
        """Check that it is not drained already; raises NotReady."""
        if self._drain and await self._draining():
            raise NotReady(f"{self._drain.substation_id} is drained already: this run would restore it")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore it; raises NotRestored."""
        if not self._task:
            return
        self._left.set()  # an order that is under way ends first: it must not overtake the one that undoes it
        await asyncio.wait({self._task})
        if self._drained:
            await self._restore()
        self._task.result()

    async def _drain_after(self, due_s: float) -> None:
        try:
            await asyncio.wait_for(self._left.wait(), max(due_s, 0))
        except TimeoutError:
            self._drained = True  # even if the answer is lost
        else:
            return
        try:
            await self._order("drain")
        except (aiohttp.ClientError, OSError) as error:
            raise NotRestored(f"the substation can't be drained: {error!r}") from error

    async def _restore(self) -> None:
        why = ""
        for _ in range(RESTORE_TRIES):
            try:
                await self._order("restore")
            except (aiohttp.ClientError, OSError) as error:
                why = repr(error)
                await asyncio.sleep(TRY_AGAIN_S)
            else:
                return
        raise NotRestored(f"a substation is still drained ({why}): curl -X POST {self._url}/restore")

    async def _order(self, order: str) -> None:
        timeout = aiohttp.ClientTimeout(total=ORDER_TIMEOUT_S)
        url = f"{self._url}/{order}"
        async with self._http.post(
            url, headers=self._headers, timeout=timeout, allow_redirects=False
        ) as answer:
            answer.raise_for_status()

    async def _draining(self) -> bool:
        fleet_url, _, substation_id = self._url.rpartition("/")
        try:
            async with self._http.get(
                fleet_url, timeout=aiohttp.ClientTimeout(total=ORDER_TIMEOUT_S)
            ) as answer:
                fleet = await answer.json()
            return any(
                each["substation_id"] == substation_id and each.get("draining")
                for each in fleet["substations"]
            )
        except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError) as error:
            raise NotReady(f"{fleet_url} can't be read: {error!r}") from error
