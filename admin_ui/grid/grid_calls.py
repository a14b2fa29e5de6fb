"""The calls of the console to the balancer and the gateway, over one pooled HTTP client."""

import dataclasses
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from admin_ui.grid.followed_balancer import FollowedBalancer
from runtime import operator_token, strict_json
from runtime.operator_token import TokenUnusable

ASK_S = 6.0  # the gateway answers within 5 s
ORDER_S = 8.0  # a substation confirms within 5 s, or the balancer says that it did not
MOST_SESSIONS = 50  # of a vehicle: the newest of the gateway's pages
MOST_PAGES = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a call; `status` is 0 when there was none."""

    status: int
    body: dict[str, Any]

    @property
    def detail(self) -> str:
        """The detail of the answer, in words."""
        return str(self.body.get("detail") or self.body.get("title") or f"it answered {self.status}")


class GridCalls:
    """Calls to the balancer and the gateway; none of them raises when a service does not answer.

    `key_file` holds the gateway's API key and `token_file` the operator token for the balancer, None where it is not
    required. Both files are read for every call, so a change takes effect at once.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        balancer: FollowedBalancer,
        gateway_url: str,
        key_file: Path | None,
        token_file: Path | None = None,
    ) -> None:
        self._http = http
        self._balancer = balancer
        self._gateway = gateway_url
        self._key_file = key_file
        self._token_file = token_file

    async def member(self, substation_id: str) -> Reply:
        """Return a substation, with the power that the plans of its sessions will release."""
        return await self._control("GET", f"/fleet/{quote(substation_id, safe='')}", ASK_S)

    async def forecast(self, substation_id: str) -> Reply:
        """Return the forecast of a substation's next 24 h, by the quarter hour."""
        return await self._control("GET", "/forecast", ASK_S, params={"substation_id": substation_id})

    async def outlook(self, seconds: int, substation_id: str) -> Reply:
        """Return what a substation, or the fleet (''), will probably carry in the next seconds, without new cars."""
        query = {"seconds": str(seconds)} | ({"substation_id": substation_id} if substation_id else {})
        return await self._control("GET", "/outlook", ASK_S, params=query)

    async def quarter_hours(self, substation_id: str, first: int, last: int) -> Reply:
        """Return what was measured at a substation from one quarter hour to another."""
        asked: dict[str, str | int] = {"substation_id": substation_id, "from": first, "to": last}
        return await self._control("GET", "/history", ASK_S, params=asked | {"limit": last - first + 1})

    async def decisions(self, **query: str | int) -> Reply:
        """Return decisions of the balancer, newest first."""
        return await self._control("GET", "/decisions", ASK_S, params=query)

    async def search_decisions(self, **query: str | int) -> Reply:
        """Return decisions that fit, of all that the balancer keeps, newest first."""
        return await self._control("GET", "/decisions/search", ASK_S, params=query)

    async def set_policy(self, policy: str) -> Reply:
        """Switch the placement policy."""
        return await self._control("PUT", "/policy", ORDER_S, json={"policy": policy})

    async def set_capacity(self, substation_id: str, capacity_kw: float | None) -> Reply:
        """Set the limit of a substation in kW; None restores the rated one."""
        return await self._operate(substation_id, "capacity", {"capacity_kw": capacity_kw})

    async def drain(self, substation_id: str) -> Reply:
        """Let a substation take no new cars."""
        return await self._operate(substation_id, "drain", {})

    async def restore(self, substation_id: str) -> Reply:
        """Let a substation take new cars again."""
        return await self._operate(substation_id, "restore", {})

    async def session(self, session_id: str) -> Reply:
        """Return a session."""
        return await self._public("GET", f"/charge/{quote(session_id, safe='')}")

    async def stop_session(self, session_id: str) -> Reply:
        """Stop a session."""
        return await self._public("DELETE", f"/charge/{quote(session_id, safe='')}")

    async def sessions(self, vehicle_id: str) -> Reply:
        """Return the newest MOST_SESSIONS sessions of a vehicle, oldest first."""
        found: list[dict[str, Any]] = []
        path = f"/charge?limit=100&vehicle_id={quote(vehicle_id, safe='')}"
        for _ in range(MOST_PAGES):
            reply = await self._public("GET", path)
            if reply.status != 200:
                return reply
            found += reply.body["sessions"]
            if not (path := reply.body["next"] or ""):
                break
        found.sort(key=lambda session: str(session["started_at"]))
        return Reply(200, {"sessions": found[-MOST_SESSIONS:]})

    async def _operate(self, substation_id: str, action: str, body: dict[str, Any]) -> Reply:
        path = f"/fleet/{quote(substation_id, safe='')}/{action}"
        return await self._control("POST", path, ORDER_S, json=body)

    async def _control(self, method: str, path: str, within_s: float, **content: Any) -> Reply:
        """Call the balancer with the operator token."""
        try:
            headers = operator_token.headers(operator_token.read_if_any(self._token_file))
        except TokenUnusable as error:
            return Reply(0, {"detail": str(error)})
        return await self._call(method, self._balancer.url + path, within_s, headers=headers, **content)

    async def _public(self, method: str, path: str) -> Reply:
        headers = {}
        if self._key_file:
            try:
                headers["Authorization"] = f"Bearer {self._key_file.read_text(encoding='ascii').strip()}"
            except (OSError, ValueError) as error:
                return Reply(0, {"detail": f"the gateway's key can't be read: {error}"})
        return await self._call(method, self._gateway + path, ASK_S, headers=headers)

    async def _call(self, method: str, url: str, within_s: float, **content: Any) -> Reply:
        try:
            timeout = aiohttp.ClientTimeout(total=within_s)
            async with self._http.request(method, url, timeout=timeout, **content) as answer:
                body = await answer.json(content_type=None, loads=strict_json.decode)
                return Reply(answer.status, body if isinstance(body, dict) else {})
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(0, {"detail": f"no answer ({type(error).__name__})"})
