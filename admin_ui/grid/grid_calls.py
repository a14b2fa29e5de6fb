"""What the console asks of the balancer and of the gateway, over one session of HTTP."""

import dataclasses
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from admin_ui.grid.order import LOWER, SWITCH, Order
from runtime import operator_token, strict_json
from runtime.operator_token import TokenUnusable

ASK_S = 6.0  # the gateway answers within 5 s
ORDER_S = 8.0  # a substation confirms within 5 s, or the balancer says that it did not
MOST_SESSIONS = 50  # of a vehicle: the newest of the gateway's pages
MOST_PAGES = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `status` is 0 when there was none."""

    status: int
    body: dict[str, Any]

    @property
    def detail(self) -> str:
        """What the answer says, in words."""
        return str(self.body.get("detail") or self.body.get("title") or f"it answered {self.status}")


class GridCalls:
    """Both services.

    `key_file` holds the gateway's API key, `token_file` the operator token for the balancer; None where
    it is not required. Both files are read for every call, so a change takes effect at once.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        balancer_url: str,
        gateway_url: str,
        key_file: Path | None,
        token_file: Path | None = None,
    ) -> None:
        self._http = http
        self._balancer = balancer_url
        self._gateway = gateway_url
        self._key_file = key_file
        self._token_file = token_file

    async def member(self, substation_id: str) -> Reply:
        """Ask for one substation, with what its plans will free."""
        return await self._control("GET", f"/fleet/{quote(substation_id, safe='')}", ASK_S)

    async def decisions(self, **query: str | int) -> Reply:
        """Ask for decisions, newest first."""
        return await self._control("GET", "/decisions", ASK_S, params=query)

    async def give(self, order: Order) -> Reply:
        """Send an order on the fleet."""
        if order.kind == SWITCH:
            return await self._control("PUT", "/policy", ORDER_S, json={"policy": order.value})
        body = {"capacity_kw": order.value} if order.kind == LOWER else {}
        path = f"/fleet/{quote(order.target, safe='')}/{order.kind}"
        return await self._control("POST", path, ORDER_S, json=body)

    async def session(self, session_id: str) -> Reply:
        """Ask for a session."""
        return await self._public("GET", f"/charge/{quote(session_id, safe='')}")

    async def stop(self, session_id: str) -> Reply:
        """Stop a session."""
        return await self._public("DELETE", f"/charge/{quote(session_id, safe='')}")

    async def sessions(self, vehicle_id: str) -> Reply:
        """Ask for the sessions of a vehicle, the newest MOST_SESSIONS of them, oldest first."""
        found: list[dict[str, Any]] = []
        path = f"/charge?limit=100&vehicle_id={quote(vehicle_id, safe='')}"
        for _ in range(MOST_PAGES):
            reply = await self._public("GET", path)
            if reply.status != 200:  # noqa: PLR2004 - the one that has sessions
                return reply
            found += reply.body["sessions"]
            if not (path := reply.body["next"] or ""):
                break
        found.sort(key=lambda session: str(session["started_at"]))
        return Reply(200, {"sessions": found[-MOST_SESSIONS:]})

    async def _control(self, method: str, path: str, within_s: float, **sent: Any) -> Reply:
        """Ask the balancer, as an operator."""
        try:
            headers = operator_token.headers(operator_token.read_if_any(self._token_file))
        except TokenUnusable as error:
            return Reply(0, {"detail": str(error)})
        return await self._call(method, self._balancer + path, within_s, headers=headers, **sent)

    async def _public(self, method: str, path: str) -> Reply:
        headers = {}
        if self._key_file:
            try:
                headers["Authorization"] = f"Bearer {self._key_file.read_text(encoding='ascii').strip()}"
            except (OSError, ValueError) as error:
                return Reply(0, {"detail": f"the gateway's key can't be read: {error}"})
        return await self._call(method, self._gateway + path, ASK_S, headers=headers)

    async def _call(self, method: str, url: str, within_s: float, **sent: Any) -> Reply:
        try:
            timeout = aiohttp.ClientTimeout(total=within_s)
            async with self._http.request(method, url, timeout=timeout, **sent) as answer:
                body = await answer.json(content_type=None, loads=strict_json.decode)
                return Reply(answer.status, body if isinstance(body, dict) else {})
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(0, {"detail": f"no answer ({type(error).__name__})"})
