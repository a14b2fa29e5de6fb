"""A gateway with two balancers on one order book: which one is asked, and what happens when it is lost."""

import asyncio
import contextlib
import dataclasses
import functools
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from balancer.app import balancer
from balancer.book.postgres.address import book_address
from balancer.settings import Settings as BalancerSettings
from gateway.app import gateway
from gateway.settings import Settings as GatewaySettings
from runtime.settings import load
from tests.integration.balancer.grid import HOST, Grid, Plan, built, until
from tests.integration.balancer.proxy import Proxy
from tests.support.ports import free_port, free_ports
from tests.support.postgres import PostgresServer

FIRST, SECOND = "127.0.0.2", "127.0.0.3"  # where the gateway finds the two, on one port
BODY = {"vehicle_id": "car-1"}
Asked = asyncio.Task[tuple[int, dict[str, Any]]]


@dataclasses.dataclass
class Pair:
    """A grid with two balancers, each behind a proxy for the gateway."""

    grid: Grid
    port: int  # of both streams
    links: dict[str, Proxy]
    pages: dict[str, str]
    zone: "Zone"

    async def charge(self, key: str = "", **changed: object) -> tuple[int, dict[str, Any]]:
        """Ask the gateway."""
        headers = {"Idempotency-Key": key} if key else {}
        url = f"{self.grid.gateway_url}/charge"
        async with self.grid.session.post(url, json=BODY | changed, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def states(self) -> dict[str, str]:
        """How each balancer stands, as the gateway says."""
        shown = (await self.grid.get_json(f"{self.grid.gateway_url}/readyz"))["balancers"]
        return {address.partition(":")[0]: state for address, state in shown.items()}

    async def up(self) -> dict[str, float]:
        """Whether each balancer is up, by the metrics of the gateway."""
        return await self._by_address("smartgrid_gateway_balancer_up")

    async def calls(self) -> dict[str, float]:
        """How many calls each balancer was given."""
        return await self._by_address("smartgrid_gateway_balancer_calls_total")

    async def _by_address(self, name: str) -> dict[str, float]:
        async with self.grid.session.get(f"{self.grid.gateway_url}/metrics?name[]={name}") as response:
            lines = (await response.text()).splitlines()
        samples = [line.split() for line in lines if line.startswith(name)]
        return {labels.split('"')[1].partition(":")[0]: float(value) for labels, value in samples}

    async def both_ready(self) -> None:
        async def ready() -> bool:
            return await self.states() == {FIRST: "ready", SECOND: "ready"}

        await until(ready)
        assert await self.up() == {FIRST: 1, SECOND: 1}

    async def asked_in_vain(self, key: str = "") -> "tuple[Asked, str]":
        """Ask, and lose what substations reply; returns the request, which is under way, and its balancer.

        The streams to the substations are lost by that too after some seconds: then it is tried again.
        """
        while True:
            for name in self.grid.names:
                self.grid.streams[name].replies = False
            asked = asyncio.create_task(self.charge(key))
            while not asked.done():
                if (address := await self._deciding()) and await self.grid.sessions():
                    return asked, address
            self.heal()
            for page in self.pages.values():
                await until(functools.partial(healthy, self.grid, page))

    def heal(self) -> None:
        """Lose nothing more on the way from the substations."""
        for name in self.grid.names:
            self.grid.streams[name].pass_all()

    async def _deciding(self) -> str:
        """Return the balancer that waits for the answer of a substation, '' for none."""
        for address, page in self.pages.items():
            decisions = (await self.grid.get_json(f"{page}/decisions"))["decisions"]
            if any(each["chosen"] and not each["outcome"] for each in decisions):
                return address
        return ""


@contextlib.asynccontextmanager
async def pairs(folder: Path, postgres: PostgresServer, listed: str = "") -> AsyncIterator[Pair]:
    """Two balancers and a gateway that knows them by `listed`, by default both addresses."""
    plan = Plan(order_book=postgres.new_database("of_two_balancers"), proxied=True, deadline_s=20.0)
    async with built(folder, plan) as grid, contextlib.AsyncExitStack() as stack:
        for name in grid.names:
            await grid.start(name)
        port, links, pages = free_port(), {}, {}
        for address in (FIRST, SECOND):
            page, stream = free_ports(2)
            settings = BalancerSettings(
                bind=HOST,
                http_port=page,
                stream_port=stream,
                data=folder / address,
                substations=tuple(f"http://{FIRST}:{http}" for http, _ in grid.ports.values()),
                poll_s=plan.poll_s,
                order_book=book_address(plan.order_book),
            )
            await stack.enter_async_context(balancer(settings))
            links[address], pages[address] = Proxy(HOST, stream), f"http://{HOST}:{page}"
            await stack.enter_async_context(links[address].listening(address, port))
        given = {
            "GATEWAY_PORT": str(grid.gateway_port),
            "BALANCER": listed.format(port=port) or f"{FIRST}:{port},{SECOND}:{port}",
            "DEADLINE_S": str(plan.deadline_s),
            "DISCOVER_S": "0.1",
        }
        zone = Zone(FIRST, SECOND)
        await stack.enter_async_context(gateway(load(GatewaySettings, given), zone.resolve))
        pair = Pair(grid, port, links, pages, zone)
        for each in pages.values():
            await until(functools.partial(healthy, grid, each))
        await pair.both_ready()
        yield pair


class Zone:
    """What a name is resolved to; a test may change it."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self._asked = 0

    async def asked(self) -> None:
        """Wait until it was looked up again, and what was found was used."""
        until_count = self._asked + 2

        async def enough() -> bool:
            return self._asked >= until_count

        await until(enough)

    async def resolve(self, _name: str, port: int) -> list[tuple[Any, ...]]:
        self._asked += 1
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in self.addresses]


async def healthy(grid: Grid, page: str) -> bool:
    fleet = (await grid.get_json(f"{page}/fleet"))["substations"]
    return [each["state"] for each in fleet] == ["healthy"] * len(grid.names)


@pytest.mark.gen_test
async def test_balancers_take_turns_and_a_lost_one_gets_no_calls(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async with pairs(tmp_path, postgres) as pair:
        for number in range(10):
            assert (await pair.charge(f"key-{number}"))[0] == 201
        assert await pair.calls() == {FIRST: 5, SECOND: 5}
        await pair.links[FIRST].shut()

        async def lost() -> bool:
            return await pair.states() == {FIRST: "lost", SECOND: "ready"}

        await until(lost)
        assert await pair.up() == {FIRST: 0, SECOND: 1}
        for number in range(10):  # keys that it knows are known to the other
            assert (await pair.charge(f"key-{number}", energy_kwh=9))[1]["type"].endswith("key-reused")
        assert await pair.calls() == {FIRST: 5, SECOND: 15}
        assert (await pair.grid.get_json(f"{pair.grid.gateway_url}/readyz"))["status"] == "ready"
        await pair.links[FIRST].open()
        await pair.both_ready()


@pytest.mark.gen_test
async def test_a_request_with_a_key_goes_to_another_balancer_when_its_own_is_lost(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async with pairs(tmp_path, postgres) as pair:
        asked, lost = await pair.asked_in_vain("key")
        await pair.links[lost].shut()
        pair.heal()
        status, session = await asked
        assert status == 201
        (found,) = await pair.grid.sessions()
        assert found["session_id"] == session["session_id"]
        assert min((await pair.calls()).values()) >= 1


@pytest.mark.gen_test
async def test_a_request_without_a_key_is_withdrawn_by_the_balancer_that_its_gateway_has_lost(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async with pairs(tmp_path, postgres) as pair:
        asked, lost = await pair.asked_in_vain()
        before = await pair.calls()
        await pair.links[lost].shut()
        status, problem = await asked
        assert (status, problem["type"].rpartition(":")[2]) == (503, "outcome-unknown")
        assert await pair.calls() == before  # no other was asked
        pair.heal()

        async def withdrawn() -> bool:
            return {each["state"] for each in await pair.grid.sessions()} == {"withdrawn"}

        await until(withdrawn)


@pytest.mark.gen_test
async def test_balancers_behind_a_name_come_and_go_with_its_addresses(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async with pairs(tmp_path, postgres, "dns://balancers:{port}") as pair:
        pair.zone.addresses = [SECOND]

        async def one() -> bool:
            return await pair.up() == {SECOND: 1}

        await until(one)
        assert {(await pair.charge(f"key-{number}"))[0] for number in range(4)} == {201}
        pair.zone.addresses = []  # the look-up fails: what is known is kept
        await pair.zone.asked()
        assert await one()
        pair.zone.addresses = [FIRST, SECOND]
        await pair.both_ready()
