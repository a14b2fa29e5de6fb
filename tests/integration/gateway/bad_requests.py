"""Requests that are wrong in a way that a test chooses, and what is asserted of the answers."""

from pathlib import Path

from tests.integration.balancer.grid import Plan, built
from tests.integration.gateway.api import PROBLEM, Api, Response, api_of

GOOD = b'{"vehicle_id": "car-1"}'
JSON = "Content-Type: application/json"


def request(
    body: bytes = GOOD, *headers: str, method: str = "POST", path: str = "/charge", json_type: bool = True
) -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    if json_type:
        head.append(JSON)
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def refused(response: Response, status: int, code: str) -> None:
    assert (response.status, response.code) == (status, code)
    assert response.headers["Content-Type"] == PROBLEM
    assert set(response.json) >= {"type", "title", "status", "request_id"}
    assert b"Traceback" not in response.body
    assert b"File " not in response.body


async def ask(folder: Path, sent: bytes, method: str = "POST", path: str = "/charge") -> Response:
    """Send bytes to a gateway, and see that it is well afterwards."""
    async with built(folder, Plan(capacities_kw=(), deadline_s=0.5)) as grid:
        await grid.start("gateway")
        api: Api = await api_of(grid)
        response = await api.raw(sent, path, method)
        assert (await grid.get_json(f"{grid.gateway_url}/livez"))["status"] == "alive"
        return response
