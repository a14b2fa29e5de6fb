"""The console's calls over several balancers, of which some hang or are gone; and balancers that are found by a name. Real sockets."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from admin_ui.grid.balancer_calls import BalancerCalls
from admin_ui.grid.balancers import Balancers
from admin_ui.grid.board import Board
from admin_ui.grid.event_log import EventLog
from admin_ui.grid.fleet_feed import FleetFeed
from admin_ui.grid.fleet_feeds import FleetFeeds
from admin_ui.grid.outages import Outages
from tests.integration.balancer.grid import HOST, Grid, Plan, built, until
from tests.support.ports import free_port

WITHIN_S = 30.0
LONG_S = 3600.0  # longer than a test may take


@contextlib.asynccontextmanager
async def hanging() -> AsyncIterator[tuple[str, list[str]]]:
    """A URL where somebody takes requests, and answers none; with the lines that came."""
    lines: list[str] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.extend((await reader.readuntil(b"\r\n\r\n")).decode().lower().splitlines())
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(take, HOST) as server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}", lines


@contextlib.asynccontextmanager
async def grids(folder: Path) -> AsyncIterator[Grid]:
    async with built(folder, Plan(capacities_kw=(100,))) as grid:
        for name in (*grid.names, "balancer"):
            await grid.start(name)

        async def healthy() -> bool:
            return await grid.state("s-1") == "healthy"

        await until(healthy)
        yield grid


def up(*urls: str) -> Balancers:
    balancers = Balancers(urls)
    for url in urls:
        balancers.heard(url, 1.0)
    return balancers


@pytest.mark.gen_test
async def test_a_question_goes_to_the_next_balancer_when_one_hangs_or_is_gone(tmp_path: Path) -> None:
    async with grids(tmp_path) as grid, hanging() as (silent, asked):
        gone = f"http://{HOST}:{free_port()}"
        calls = BalancerCalls(grid.session, up(gone, silent, grid.balancer_url), None)
        reply = await calls.question("/fleet/s-1", WITHIN_S)
        assert (reply.status, reply.body["substation_id"]) == (200, "s-1")
        assert asked[0].startswith("get /fleet/s-1")
        assert (await calls.question("/fleet/s-9", WITHIN_S)).status == 404  # an answer, though no good one
        only = BalancerCalls(grid.session, up(gone), None)
        assert (await only.question("/fleet/s-1", WITHIN_S)).detail == "no answer (ClientConnectorError)"
        assert (await BalancerCalls(grid.session, Balancers(), None).question("/fleet", WITHIN_S)).status == 0


@pytest.mark.gen_test
async def test_an_order_stays_with_a_balancer_until_that_is_lost_and_says_until_when_it_holds(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path) as grid, hanging() as (silent, asked):
        balancers = up(silent, grid.balancer_url)
        calls = BalancerCalls(grid.session, balancers, None)
        order = asyncio.create_task(calls.order("POST", "/fleet/s-1/drain", LONG_S, json={}))
        while not asked:
            await asyncio.sleep(0.01)
        assert any(line.startswith("order-until: ") for line in asked)
        assert not order.done()
        assert not (await grid.fleet())["s-1"]["draining"]
        balancers.lost(silent, "it does not answer")
        assert (await order).status == 200

        async def draining() -> bool:
            return bool((await grid.fleet())["s-1"]["draining"])

        await until(draining)


@pytest.mark.gen_test
async def test_an_order_to_a_lone_balancer_has_no_end(tmp_path: Path) -> None:
    async with hanging() as (silent, asked), aiohttp.ClientSession() as session:
        calls = BalancerCalls(session, up(silent), None)
        assert (await calls.order("POST", "/fleet/s-1/drain", 0.2, json={})).status == 0
        assert asked
        assert not any(line.startswith("order-until: ") for line in asked)


class Zone:
    """What a name is resolved to; a test may change it. With no address the look-up fails."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.failed = 0

    async def resolve(self, name: str, port: int) -> list[tuple[Any, ...]]:
        if not self.addresses:
            self.failed += 1
            raise OSError(f"no address of {name}")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in self.addresses]


@pytest.mark.gen_test
async def test_balancers_that_a_name_stands_for_are_followed_until_it_loses_them(tmp_path: Path) -> None:
    zone, nobody = Zone(HOST), "127.0.0.9"  # where nobody listens
    async with grids(tmp_path) as grid:
        port, board, balancers = grid.balancer_port, Board(), Balancers()
        feed = functools.partial(_follow, board, balancers, Outages(EventLog()))
        feeds = FleetFeeds([f"dns://balancers:{port}"], "http", balancers, board, feed)
        following = asyncio.create_task(feeds.follow(0.05, zone.resolve))

        async def connected() -> bool:
            return board.connected and "s-1" in board.rows

        async def listed(*names: str) -> bool:
            return balancers.names == [f"{each}:{port}" for each in names]

        async def failed_twice() -> bool:
            return zone.failed >= 2

        async def forgotten() -> bool:
            return await listed(nobody) and not board.rows

        await until(connected)
        assert await listed(HOST)
        zone.addresses = [HOST, nobody]
        await until(lambda: listed(HOST, nobody))
        zone.addresses = []
        await until(failed_twice)
        assert await listed(HOST, nobody)  # a look-up that fails changes nothing
        zone.addresses = [nobody]
        await until(forgotten)
        following.cancel()
        await asyncio.wait([following])


async def _follow(board: Board, balancers: Balancers, outages: Outages, url: str) -> None:
    await FleetFeed(board, balancers, url, outages, asyncio.Event()).follow()
