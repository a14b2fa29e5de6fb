"""Holds the lease of a grid's rush hour while a run sends: one run at a time."""

import asyncio
import contextlib
import json
from collections.abc import Mapping

import aiohttp

from loadtest.record.grid_reader import NotReady

TTL_S = 10.0
RENEW_EVERY_S = 2.0
ANSWER_S = 1.0  # for the balancer to answer one call
OK = 200
UNAUTHORIZED = 401
CONFLICT = 409
HOW_TO_AUTHORIZE = (
    "it requires the operator's token: name its file with --operator-token-file or OPERATOR_TOKEN_FILE"
)


class OtherRunActive(Exception):
    """Another run holds the lease; the message says which, and for how long."""


class Lease:
    """The lease of one run; `lost` says why it ended early, '' while it has not."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        balancer_url: str,
        run_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` go with every call."""
        self.lost = ""
        self._http = http
        self._headers = headers
        self._url = f"{balancer_url}/rushhour"
        self._run_id = run_id
        self._until_s = 0.0  # of the loop's clock: the lease lasts at least until then
        self._requested = False

    async def look(self) -> None:
        """Raise OtherRunActive when another run holds the lease now, NotReady without an answer."""
        lease = await self._call("GET", self._url)
        if lease.get("run_id") is not None:
            raise OtherRunActive(_holder(lease))

    async def take(self, window_unix_s: tuple[float, float] | None = None) -> None:
        """Take the lease, or renew it; raises OtherRunActive when another run holds it, NotReady without an answer.

        `window_unix_s` is when the cars arrive: the balancer publishes it once it knows it.
        """
        called_s = asyncio.get_running_loop().time()
        self._requested = True
        window = {"window_unix_s": window_unix_s} if window_unix_s else {}
        await self._call("PUT", self._url, {"run_id": self._run_id, "ttl_s": TTL_S} | window)
        self._until_s = called_s + TTL_S

    async def keep(self, window_unix_s: tuple[float, float]) -> None:
        """Renew the lease until it is lost; returns before another run can have it."""
        loop = asyncio.get_running_loop()
        while not self.lost:
            await asyncio.sleep(RENEW_EVERY_S)
            if loop.time() > self._until_s:  # this process stood still: another run may have had it
                self.lost = f"it was not renewed within {TTL_S:g} s"
                return
            try:
                await self.take(window_unix_s)
            except OtherRunActive as error:
                self.lost = str(error)
            except NotReady as error:
                if loop.time() + RENEW_EVERY_S + ANSWER_S > self._until_s:
                    self.lost = f"it can't be renewed: {error}"

    async def give_back(self) -> None:
        """End the lease if this run has requested it; without an answer it ends by itself after TTL_S."""
        if self._requested:
            with contextlib.suppress(NotReady, OtherRunActive):
                await self._call("DELETE", f"{self._url}/{self._run_id}")

    async def _call(self, method: str, url: str, body: object = None) -> dict[str, object]:
        try:
            async with self._http.request(
                method,
                url,
                json=body,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=ANSWER_S),
                allow_redirects=False,
            ) as response:
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotReady(f"{url} does not answer: {str(error) or type(error).__name__}") from error
        lease = _object(text) if status in {OK, CONFLICT} else None
        if lease is None:
            why = HOW_TO_AUTHORIZE if status == UNAUTHORIZED else "is it a balancer of this version?"
            raise NotReady(f"{url} answers {status}: {why}")
        if status == CONFLICT:
            raise OtherRunActive(_holder(lease))
        return lease


def _object(text: str) -> dict[str, object] | None:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _holder(lease: dict[str, object]) -> str:
    return (
        f"another rush hour runs: {lease.get('run_id')} holds the lease"
        f" for {lease.get('expires_in_s')} s more, unless it is renewed"
    )
