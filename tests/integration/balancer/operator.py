"""An operator at a grid: orders to its balancer, confirmed by the substations' own pages."""

import dataclasses
import re
from typing import Any

from tests.integration.balancer.grid import Grid


@dataclasses.dataclass(frozen=True)
class Reply:
    """One answer of the balancer's pages."""

    status: int
    retry_after: str | None
    json: Any

    @property
    def code(self) -> str:
        return str(self.json["type"]).rpartition(":")[2]


async def call(grid: Grid, method: str, path: str, **sent: Any) -> Reply:
    async with grid.session.request(method, grid.balancer_url + path, **sent) as answer:
        return Reply(answer.status, answer.headers.get("Retry-After"), await answer.json(content_type=None))


async def order(grid: Grid, name: str, what: str, **sent: Any) -> Reply:
    return await call(grid, "POST", f"/fleet/{name}/{what}", **sent)


async def done(grid: Grid, name: str, what: str, **sent: Any) -> None:
    reply = await order(grid, name, what, **sent)
    assert (reply.status, reply.json) == (200, {"outcome": "done"}), reply


async def gauge(grid: Grid, name: str, metric: str) -> float:
    """A value of a substation's own page."""
    async with grid.session.get(f"{grid.substation_url(name)}/metrics") as response:
        page = await response.text()
    found = re.search(rf'^{metric}\{{substation="{name}"\}} (.*)$', page, re.MULTILINE)
    assert found, metric
    return float(found[1])


async def decisions(grid: Grid, query: str = "") -> list[dict[str, Any]]:
    reply = await call(grid, "GET", f"/decisions?{query}")
    assert reply.status == 200
    found: list[dict[str, Any]] = reply.json["decisions"]
    return found
