"""A grid in this process: real services on real sockets, each of which can be stopped and started."""

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from balancer.app import balancer
from balancer.book.embedded import EmbeddedBook
from balancer.book.postgres.address import book_address
from balancer.book.protocol import Withdrawal
from balancer.settings import Settings as BalancerSettings
from gateway.app import gateway
from gateway.settings import Settings as GatewaySettings
from runtime.name_lookup import Resolve, resolve
from runtime.settings import load
from substation.app import substation
from substation.settings import Settings as SubstationSettings
from tests.integration.balancer.proxy import Proxy
from tests.support.ports import free_ports

HOST = "127.0.0.1"
PROXIED = "127.0.0.2"  # same ports as the substation's own, behind proxies
HUNG_S = 45.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to build. Times in seconds; `before` are URLs that the balancer polls as well."""

    capacities_kw: tuple[int, ...] = (100, 100)
    time_scale: float = 1.0
    poll_s: float = 0.2
    deadline_s: float = 2.0
    proxied: bool = False
    more_urls: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()  # in place of the substations' own
    most_waiting: int = 1000
    one_session_per_vehicle: int = 0
    gateway: Mapping[str, str] = dataclasses.field(default_factory=dict)  # more of its settings
    discover_s: float = 0.1
    resolve: Resolve = resolve
    substation: Mapping[str, str] = dataclasses.field(default_factory=dict)  # more of its settings
    token_file: Path | None = None  # of the operator's token
    most_backups: int = 10
    history: str = ""  # URL of a Prometheus
    order_book: str = ""  # URL of a database


class Grid:
    """Substations `s-1`, `s-2`, ..., a balancer and a gateway."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.folder = folder
        count = len(plan.capacities_kw)
        self.names = [f"s-{number}" for number in range(1, count + 1)]
        ports = free_ports(2 * count + 3)
        self.balancer_port, self.balancer_stream_port, self.gateway_port = ports[2 * count :]
        self.ports = dict(
            zip(self.names, zip(ports[:count], ports[count : 2 * count], strict=True), strict=True)
        )
        self.pages: dict[str, Proxy] = {}
        self.streams: dict[str, Proxy] = {}
        self.services: dict[str, AsyncExitStack] = {}
        self.session: aiohttp.ClientSession

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.gateway_port}"

    @property
    def balancer_url(self) -> str:
        return f"http://{HOST}:{self.balancer_port}"

    def substation_url(self, name: str) -> str:
        return f"http://{HOST}:{self.ports[name][0]}"

    async def start(self, name: str) -> None:
        """Start a substation by its name, or "balancer", or "gateway"."""
        stack = AsyncExitStack()
        await stack.enter_async_context(self._service(name))
        self.services[name] = stack

    async def stop(self, name: str) -> None:
        await self.services.pop(name).aclose()

    def _service(self, name: str) -> contextlib.AbstractAsyncContextManager[None]:
        plan = self.plan
        if name == "gateway":
            given = {
                "GATEWAY_PORT": str(self.gateway_port),
                "BALANCER": f"{HOST}:{self.balancer_stream_port}",
                "DEADLINE_S": str(plan.deadline_s),
            }
            given |= {"OPERATOR_TOKEN_FILE": str(plan.token_file)} if plan.token_file else {}
            return gateway(load(GatewaySettings, {**given, **plan.gateway}))
        if name == "balancer":
            host = PROXIED if plan.proxied else HOST
            own = tuple(f"http://{host}:{http}" for http, _ in self.ports.values())
            urls = (plan.urls or own) + plan.more_urls
            return balancer(
                BalancerSettings(
                    bind=HOST,
                    http_port=self.balancer_port,
                    stream_port=self.balancer_stream_port,
                    data=self.folder,
                    substations=urls,
                    poll_s=plan.poll_s,
                    most_waiting=plan.most_waiting,
                    discover_s=plan.discover_s,
                    one_session_per_vehicle=plan.one_session_per_vehicle,
                    operator_token=plan.token_file,
                    backups=plan.most_backups,
                    history=plan.history,
                    order_book=book_address(plan.order_book),
                ),
                plan.resolve,
            )
        return self.station(name, self.folder, *self.ports[name])

    def station(
        self, name: str, folder: Path, http_port: int, stream_port: int
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """A substation of this grid, with its journal in `folder`."""
        capacity_kw = self.plan.capacities_kw[self.names.index(name)]
        return substation(
            load(
                SubstationSettings,
                {
                    "SUBSTATION_PORT": str(http_port),
                    "SUBSTATION_STREAM_PORT": str(stream_port),
                    "SUBSTATION_ID": name,
                    "DATA_DIR": str(folder),
                    "CAPACITY_KW": str(capacity_kw),
                    "TIME_SCALE": str(self.plan.time_scale),
                    "OPERATOR_TOKEN_FILE": str(self.plan.token_file or ""),
                    **self.plan.substation,
                },
            )
        )

    async def fleet(self) -> dict[str, dict[str, Any]]:
        """What the balancer shows, by substation."""
        document = await self.get_json(f"{self.balancer_url}/fleet")
        return {shown["substation_id"]: shown for shown in document["substations"]}

    async def state(self, name: str) -> str:
        return str((await self.fleet()).get(name, {}).get("state", "unseen"))

    async def sessions(self) -> list[dict[str, Any]]:
        """All sessions of all substations that run, from their own journals."""
        found = []
        for name in self.names:
            if name in self.services:
                page = await self.get_json(f"{self.substation_url(name)}/sessions?limit=1000")
                found += page["sessions"]
        return found

    async def metric(self, sample: str) -> float:
        """One sample of the balancer's page, by its name and labels as they are written there."""
        async with self.session.get(f"{self.balancer_url}/metrics") as response:
            page = await response.text()
        found = re.search(f"^{re.escape(sample)} (.*)$", page, re.MULTILINE)
        return float(found[1]) if found else 0.0

    async def get_json(self, url: str) -> Any:
        async with self.session.get(url) as response:
            return await response.json()

    async def placeable(self) -> None:
        """Wait until every substation is healthy, and the gateway ready."""

        async def ready() -> bool:
            states = [await self.state(name) for name in self.names]
            async with self.session.get(f"{self.gateway_url}/readyz") as response:
                return response.status == 200 and set(states) == {"healthy"}

        await until(ready)

    async def book(self, look: Callable[[EmbeddedBook], Awaitable[Any]]) -> Any:
        """Look into the order book while no balancer runs."""
        assert "balancer" not in self.services
        book = EmbeddedBook(self.folder / "balancer" / "orders.sqlite")
        try:
            return await look(book)
        finally:
            await book.close()

    async def withdrawals(self) -> list[Withdrawal]:
        found: list[Withdrawal] = await self.book(lambda book: book.withdrawals())
        return found


@contextlib.asynccontextmanager
async def running(folder: Path, plan: Plan | None = None) -> AsyncIterator[Grid]:
    """A whole grid whose substations are all healthy."""
    async with built(folder, plan) as grid:
        for name in (*grid.names, "balancer", "gateway"):
            await grid.start(name)
        await grid.placeable()
        yield grid


@contextlib.asynccontextmanager
async def built(folder: Path, plan: Plan | None = None) -> AsyncIterator[Grid]:
    """A grid of which nothing runs but the proxies."""
    grid = Grid(folder, plan or Plan())
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as grid.session:
        for name, (http_port, stream_port) in grid.ports.items() if grid.plan.proxied else ():
            grid.pages[name], grid.streams[name] = Proxy(HOST, http_port), Proxy(HOST, stream_port)
            await stack.enter_async_context(grid.pages[name].listening(PROXIED, http_port))
            await stack.enter_async_context(grid.streams[name].listening(PROXIED, stream_port))
        try:
            yield grid
        finally:
            for name in reversed(list(grid.services)):
                await grid.stop(name)


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """Return what `condition` returns once that is true; a test that hangs here fails by itself."""
    async with asyncio.timeout(HUNG_S):
        while not (found := await condition()):
            await asyncio.sleep(0.01)
        return found


def without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
