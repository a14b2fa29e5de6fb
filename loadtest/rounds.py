"""One plan run several times: under several policies in turn, round after round; the former policy comes back.

The rounds are interleaved, so that what changes slowly on the machine meets every policy alike.
"""

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from loadtest.grid import Grid, NotReady
from loadtest.rush import Ended, Order, run
from loadtest.screen import Screen

SWITCH_TIMEOUT_S = 5.0
RESTORE_TRIES = 5
RESTORE_EVERY_S = 1.0


class Switch:
    """The balancer's policy while the context lasts; leaving it restores the one that was found."""

    def __init__(self, order: Order) -> None:
        self._order = order

    async def __aenter__(self) -> Self:
        """Find out the policy; raises NotReady."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SWITCH_TIMEOUT_S))
        try:
            self.former = await Grid(self._http, self._order.gateway_url, self._order.balancer_url).policy()
        except BaseException:
            await self._http.close()
            raise
        self._now = self.former
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the policy; raises NotReady when the balancer does not take it for several seconds."""
        try:
            for _ in range(RESTORE_TRIES - 1):
                try:
                    return await self.to(self.former)
                except NotReady:
                    await asyncio.sleep(RESTORE_EVERY_S)
            await self.to(self.former)
        except NotReady as fault:
            message = f"{fault}; restore it by PUT /policy: it was {self.former}"
            raise NotReady(message) from fault
        finally:
            await self._http.close()

    async def to(self, policy: str) -> None:
        """Let the balancer place by `policy`; raises NotReady when it does not."""
        if policy == self._now:
            return
        self._now = ""  # not known until it has answered
        url = f"{self._order.balancer_url}/policy"
        try:
            async with self._http.put(url, json={"policy": policy}, allow_redirects=False) as answer:
                said = await answer.json(content_type=None)
                if not answer.ok:
                    why = said.get("detail") if isinstance(said, dict) else said
                    message = f"the policy {policy!r} is not taken: {answer.status} {why}"
                    raise NotReady(message)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            message = f"the policy can't be switched to {policy}: {str(error) or type(error).__name__}"
            raise NotReady(message) from error
        self._now = policy


async def run_rounds(
    order: Order, policies: Sequence[str], repeat: int, screen: Screen, stop: asyncio.Event
) -> list[Ended]:
    """Run `order` `repeat` times under each policy, or under the one that is on when there is none.

    Each run waits for an empty fleet. Returns how they ended; an interrupted one is the last. Raises
    NotReady when the grid or a policy can't be used, before anything is sent where that can be told.
    """
    ended: list[Ended] = []
    async with Switch(order) as switch:
        wanted = list(dict.fromkeys(policies)) or [switch.former]
        for policy in wanted:
            await switch.to(policy)
        for number in range(1, repeat + 1):
            for policy in wanted:
                if stop.is_set() or (ended and ended[-1].interrupted):
                    return ended
                screen.console.print(f"round {number} of {repeat}: {policy}", markup=False, highlight=False)
                await switch.to(policy)
                ended.append(await run(_numbered(order, policy, number), screen, stop))
    return ended


def _numbered(order: Order, policy: str, number: int) -> Order:
    """Return the order of one run of several, which leaves its files beside those of the others."""
    json, report = (_beside(path, policy, number) for path in (order.json, order.report))
    return dataclasses.replace(order, json=json, report=report)


def _beside(file: Path | None, policy: str, number: int) -> Path | None:
    """Return where one run of several leaves something: `rush.json` becomes `rush-random-1.json`."""
    return file and file.with_name(f"{file.stem}-{policy}-{number}{file.suffix}")


def documents(ended: Sequence[Ended]) -> list[dict[str, Any]]:
    """Return what the runs left that went to their end."""
    return [dict(each.document) for each in ended if each.document and not each.interrupted]
