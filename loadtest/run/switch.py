"""The balancer's policy while a run sends: switched to the wanted one, and the former one comes back."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from loadtest.send.grid import NotReady, NotRestored

SWITCH_TIMEOUT_S = 5.0
RESTORE_TRIES = 5
RESTORE_EVERY_S = 1.0


class Switch:
    """A context in which the balancer places by `wanted`; leaving it brings `former` back."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        balancer_url: str,
        former: str,
        wanted: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` are sent with every order."""
        self._http = http
        self._headers = headers
        self._url = f"{balancer_url}/policy"
        self._former = former
        self._wanted = wanted
        self._now = former

    async def __aenter__(self) -> Self:
        """Switch; raises NotReady, with the former policy back, when the balancer does not take it."""
        try:
            await self._to(self._wanted)
        except BaseException:
            await self._restore()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Switch back; raises NotRestored when the balancer does not take it for several seconds."""
        await self._restore()

    async def _restore(self) -> None:
        why = ""
        for _ in range(RESTORE_TRIES):
            try:
                return await self._to(self._former)
            except NotReady as error:
                why = str(error)
                await asyncio.sleep(RESTORE_EVERY_S)
        raise NotRestored(f"{why}; restore it by PUT {self._url}: it was {self._former}")

    async def _to(self, policy: str) -> None:
        if policy == self._now:
            return
        self._now = ""  # not known until it has answered
        timeout = aiohttp.ClientTimeout(total=SWITCH_TIMEOUT_S)
        try:
            async with self._http.put(
                self._url,
                json={"policy": policy},
                headers=self._headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                said = await answer.json(content_type=None)
                if not answer.ok:
                    why = said.get("detail") if isinstance(said, dict) else said
                    raise NotReady(f"the policy {policy!r} is not taken: {answer.status} {why}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotReady(
                f"the policy can't be switched to {policy}: {str(error) or type(error).__name__}"
            ) from error
        self._now = policy
