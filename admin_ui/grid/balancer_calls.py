"""Calls to the balancers: one that is up is asked, and the next one when that does not answer.

Rules:

- a question goes to the next balancer too when the first has not answered within PATIENCE_S; the first answer counts;
- an order goes to the next one only when the first has failed or is lost. All orders may be carried out twice;
- an order tells until when it holds: a balancer that reads it later, because it hung, refuses it.
"""

import asyncio
import dataclasses
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from admin_ui.grid.balancers import Balancers
from balancer.contract import ORDER_UNTIL
from runtime import operator_token, strict_json
from runtime.background import cancelled
from runtime.operator_token import TokenUnusable

PATIENCE_S = 1.5
LOOK_S = 0.1  # how often it is looked whether the balancer that has an order is lost


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a call; `status` is 0 when there was none."""

    status: int
    body: dict[str, Any]

    @property
    def detail(self) -> str:
        """The detail of the answer, in words."""
        return str(self.body.get("detail") or self.body.get("title") or f"it answered {self.status}")

    @property
    def failed(self) -> bool:
        """Whether another balancer may answer better: there was no answer, or it could not do what was asked."""
        return not self.status or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


NOBODY = Reply(0, {"detail": "no balancer is known yet"})
LOST = Reply(0, {"detail": "it was lost before it answered"})


async def reply_to(
    http: aiohttp.ClientSession, method: str, url: str, within_s: float, **content: Any
) -> Reply:
    """Return the answer of a service; it does not raise when there is none."""
    try:
        timeout = aiohttp.ClientTimeout(total=within_s)
        async with http.request(method, url, timeout=timeout, **content) as answer:
            body = await answer.json(content_type=None, loads=strict_json.decode)
            return Reply(answer.status, body if isinstance(body, dict) else {})
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Reply(0, {"detail": f"no answer ({type(error).__name__})"})


class BalancerCalls:
    """Calls to any of the balancers, or to each; `token_file` holds the operator token, and is read for every call."""

    def __init__(self, http: aiohttp.ClientSession, balancers: Balancers, token_file: Path | None) -> None:
        self._http = http
        self._balancers = balancers
        self._token_file = token_file

    async def question(self, path: str, within_s: float, first: str | None = None, **content: Any) -> Reply:
        """Return an answer to a GET: of the balancer at `first` if that is up, else of any."""
        waiting: set[asyncio.Task[Reply]] = set()
        reply = NOBODY
        urls = self._balancers.to_ask(first)
        try:
            while urls or waiting:
                if urls:
                    waiting.add(
                        asyncio.create_task(self._call("GET", urls.pop(0) + path, within_s, **content))
                    )
                done, waiting = await asyncio.wait(
                    waiting, timeout=PATIENCE_S if urls else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    if not (reply := task.result()).failed:
                        return reply
            return reply
        finally:
            await cancelled(waiting)

    async def order(
        self, method: str, path: str, within_s: float, first: str | None = None, **content: Any
    ) -> Reply:
        """Return the answer to an order: of the balancer at `first` if that is up, and of the next one if it fails."""
        reply = NOBODY
        several = self._balancers.several
        for url in self._balancers.to_ask(first):
            headers = {ORDER_UNTIL: f"{time.time() + within_s:.3f}"} if several else {}
            reply = await self._until_lost(url, method, path, within_s, more=headers, **content)
            if not reply.failed:
                break
        return reply

    async def each(self, path: str, within_s: float, **content: Any) -> dict[str, Reply]:
        """Return the answer of each balancer that is up, of a lone one in any case, by its address."""
        if self._balancers.several:
            within_s = min(within_s, PATIENCE_S)
            asked = [each for each in self._balancers.by_url.values() if each.up]
        else:
            asked = list(self._balancers.by_url.values())
        replies = await asyncio.gather(
            *(self._call("GET", each.url + path, within_s, **content) for each in asked)
        )
        return {each.name: reply for each, reply in zip(asked, replies, strict=True)}

    async def _until_lost(self, url: str, method: str, path: str, within_s: float, **content: Any) -> Reply:
        """Return the answer of one balancer, or LOST once the console has lost it and another one can be asked."""
        asking = asyncio.create_task(self._call(method, url + path, within_s, **content))
        try:
            while not asking.done():
                await asyncio.wait([asking], timeout=LOOK_S)
                if not asking.done() and self._balancers.any_up and not self._balancers.is_up(url):
                    return LOST
            return asking.result()
        finally:
            await cancelled([asking])

    async def _call(
        self, method: str, url: str, within_s: float, more: Mapping[str, str] | None = None, **content: Any
    ) -> Reply:
        """Ask one balancer; `more` are headers."""
        try:
            headers = operator_token.headers(operator_token.read_if_any(self._token_file))
        except TokenUnusable as error:
            return Reply(0, {"detail": str(error)})
        return await reply_to(
            self._http, method, url, within_s, headers={**headers, **(more or {})}, **content
        )
