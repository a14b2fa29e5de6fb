"""Holds the rush hour of a grid while a run sends: one run at a time."""

import asyncio
import contextlib
import json
from collections.abc import Mapping

import aiohttp

from loadtest.send.grid import NotReady

TTL_S = 10.0
RENEW_EVERY_S = 2.0
ANSWER_S = 1.0  # for the balancer to answer one call
OK = 200
UNAUTHORIZED = 401
HELD = 409
ASKS = "it asks for the operator's token: name its file with --operator-token-file or OPERATOR_TOKEN_FILE"


class Busy(Exception):
    """Another run holds the rush hour; the message says which, and for how long."""


class Lease:
    """One run's hold on the rush hour; `lost` says why it ended early, '' while it did not.

    `window_unix_s` is when the cars arrive; once known, it is sent to the balancer with the next renewal.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        balancer_url: str,
        run_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` are sent with every call."""
        self.lost = ""
        self.window_unix_s: tuple[float, float] | None = None
        self._http = http
        self._headers = headers
        self._url = f"{balancer_url}/rushhour"
        self._run_id = run_id
        self._until_s = 0.0  # of the loop's clock: it is held at least until then
        self._asked = False

    async def look(self) -> None:
        """Raise Busy when another run holds it now, NotReady when the balancer does not say."""
        held = await self._ask("GET", self._url)
        if held.get("run_id") is not None:
            raise Busy(_held_by(held))

    async def take(self) -> None:
        """Take it, or renew it; raises Busy when another run holds it, NotReady without an answer."""
        asked_s = asyncio.get_running_loop().time()
        self._asked = True
        window = {"window_unix_s": self.window_unix_s} if self.window_unix_s else {}
        await self._ask("PUT", self._url, {"run_id": self._run_id, "ttl_s": TTL_S} | window)
        self._until_s = asked_s + TTL_S

    async def keep(self) -> None:
        """Renew it until it is lost; returns before another run can have it."""
        loop = asyncio.get_running_loop()
        while not self.lost:
            await asyncio.sleep(RENEW_EVERY_S)
            if loop.time() > self._until_s:  # this process was held up: who knows who had it meanwhile
                self.lost = f"it was not renewed within {TTL_S:g} s"
                return
            try:
                await self.take()
            except Busy as error:
                self.lost = str(error)
            except NotReady as error:
                if loop.time() + RENEW_EVERY_S + ANSWER_S > self._until_s:
                    self.lost = f"it can't be renewed: {error}"

    async def give_back(self) -> None:
        """End it if it was asked for; without an answer it ends by itself after TTL_S."""
        if self._asked:
            with contextlib.suppress(NotReady, Busy):
                await self._ask("DELETE", f"{self._url}/{self._run_id}")

    async def _ask(self, method: str, url: str, body: object = None) -> dict[str, object]:
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
        said = _object(text) if status in {OK, HELD} else None
        if said is None:
            why = ASKS if status == UNAUTHORIZED else "is it a balancer of this version?"
            raise NotReady(f"{url} answers {status}: {why}")
        if status == HELD:
            raise Busy(_held_by(said))
        return said


def _object(text: str) -> dict[str, object] | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _held_by(said: dict[str, object]) -> str:
    return (
        f"another rush hour runs: {said.get('run_id')} holds the lease"
        f" for {said.get('expires_in_s')} s more, unless it is renewed"
    )
