"""The calls of the console to the balancers and the gateway, over one pooled HTTP client."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from admin_ui.grid.balancer_calls import BalancerCalls, Reply, reply_to

ASK_S = 6.0  # the gateway answers within 5 s
ORDER_S = 8.0  # a substation confirms within 5 s, or the balancer says that it did not
MOST_SESSIONS = 50  # of a vehicle: the newest of the gateway's pages
MOST_PAGES = 20


class GridCalls:
    """Calls to the balancers and the gateway; none of them raises when a service does not answer.

    `reaches` returns the balancer that has the newest report of a substation: what concerns it is asked there first.
    `key_file` holds the gateway's API key, None where it is not required. It is read for every call, so a change takes
    effect at once.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        balancers: BalancerCalls,
        reaches: Callable[[str], str | None],
        gateway_url: str,
        key_file: Path | None,
    ) -> None:
        self._http = http
        self._balancers = balancers
        self._reaches = reaches
        self._gateway = gateway_url
        self._key_file = key_file

    async def member(self, substation_id: str) -> Reply:
        """Return a substation, with the power that the plans of its sessions will release."""
        return await self._of(substation_id, f"/fleet/{quote(substation_id, safe='')}")

    async def forecast(self, substation_id: str) -> Reply:
        """Return the forecast of a substation's next 24 h, by the quarter hour."""
        return await self._of(substation_id, "/forecast", params={"substation_id": substation_id})

    async def outlook(self, seconds: int, substation_id: str) -> Reply:
        """Return what a substation, or the fleet (''), will probably carry in the next seconds, without new cars."""
        query = {"seconds": str(seconds)} | ({"substation_id": substation_id} if substation_id else {})
        return await self._of(substation_id, "/outlook", params=query)

    async def quarter_hours(self, substation_id: str, first: int, last: int) -> Reply:
        """Return what was measured at a substation from one quarter hour to another."""
        asked: dict[str, str | int] = {"substation_id": substation_id, "from": first, "to": last}
        return await self._of(substation_id, "/history", params=asked | {"limit": last - first + 1})

    async def decisions(self, **query: str | int) -> dict[str, Reply]:
        """Return decisions of each balancer that is up, newest first, by its address."""
        return await self._balancers.each("/decisions", ASK_S, params=query)

    async def search_decisions(self, **query: str | int) -> dict[str, Reply]:
        """Return decisions that fit, of all that each balancer keeps that is up, newest first, by its address."""
        return await self._balancers.each("/decisions/search", ASK_S, params=query)

    async def set_policy(self, policy: str) -> Reply:
        """Switch the placement policy."""
        return await self._balancers.order("PUT", "/policy", ORDER_S, json={"policy": policy})

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
        return await self._balancers.order("POST", path, ORDER_S, self._reaches(substation_id), json=body)

    async def _of(self, substation_id: str, path: str, **content: Any) -> Reply:
        """Ask what concerns a substation, or the fleet ('')."""
        return await self._balancers.question(path, ASK_S, self._reaches(substation_id), **content)

    async def _public(self, method: str, path: str) -> Reply:
        headers = {}
        if self._key_file:
            try:
                headers["Authorization"] = f"Bearer {self._key_file.read_text(encoding='ascii').strip()}"
            except (OSError, ValueError) as error:
                return Reply(0, {"detail": f"the gateway's key can't be read: {error}"})
        return await reply_to(self._http, method, self._gateway + path, ASK_S, headers=headers)
