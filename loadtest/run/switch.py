"""Switches the balancer's policy for the time of a run, and brings the former policy back."""

import functools
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from loadtest.record.grid_reader import NotReady
from loadtest.run.restore import NotRestored, restore

SWITCH_TIMEOUT_S = 5.0
RESTORE_TRIES = 5


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
        """`headers` go with every order."""
        self._http = http
        self._headers = headers
        self._url = f"{balancer_url}/policy"
        self._former = former
        self._wanted = wanted
        self._now = former

    async def __aenter__(self) -> Self:
        """Switch; when the balancer refuses, bring the former policy back and raise NotReady."""
        try:
            await self._to(self._wanted)
        except BaseException:
            await self._restore()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Switch back; raises NotRestored when the balancer refuses for several seconds."""
        await self._restore()

    async def _restore(self) -> None:
        if why := await restore(functools.partial(self._to, self._former), RESTORE_TRIES, (NotReady,)):
            raise NotRestored(f"{why}; restore it by PUT {self._url}: it was {self._former}")

    async def _to(self, policy: str) -> None:
        if policy == self._now:
            return
        self._now = ""  # unknown until the balancer has answered
        timeout = aiohttp.ClientTimeout(total=SWITCH_TIMEOUT_S)
        try:
            async with self._http.put(
                self._url,
                json={"policy": policy},
                headers=self._headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                body = await answer.json(content_type=None)
                if not answer.ok:
                    why = body.get("detail") if isinstance(body, dict) else body
                    raise NotReady(f"the balancer refuses the policy {policy!r}: {answer.status} {why}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotReady(
                f"the policy can't be switched to {policy}: {str(error) or type(error).__name__}"
            ) from error
        self._now = policy
