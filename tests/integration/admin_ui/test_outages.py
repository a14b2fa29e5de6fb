"""The console notes when the balancer or the gateway was lost, over real sockets, however soon they are back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Gauge
from tornado.web import Application

from admin_ui.grid.balancers import Balancers
from admin_ui.grid.board import Board
from admin_ui.grid.event_log import EventLog
from admin_ui.grid.fleet_feed import FleetFeed
from admin_ui.grid.gateway_watch import STARTED, GatewayWatch
from admin_ui.grid.outages import Outages
from admin_ui.grid.rates import Rates
from balancer.contract import FLEET, BalancerOutcome
from gateway.metrics import GatewayMetrics
from runtime import exposition, http
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics
from tests.integration.balancer.grid import HOST
from tests.support.ports import free_ports

VIEW: dict[str, Any] = {"policy": "random", "poll_s": 1.0, FLEET.rows: [], "unseen": []}


@contextlib.asynccontextmanager
async def balancer(port: int) -> AsyncIterator[None]:
    streams = FrameStreams(lambda: VIEW, FLEET, StreamMetrics(CollectorRegistry(), "smartgrid_balancer"))
    app = Application([("/fleet/stream", FrameStreamHandler, {"streams": streams})])
    async with http.listen(app, HOST, port):
        yield
        await streams.close()


@contextlib.asynccontextmanager
async def gateway(port: int, started_unix_s: float, requests: int = 0) -> AsyncIterator[None]:
    registry = CollectorRegistry(auto_describe=True)
    metrics = GatewayMetrics(registry)
    for _ in range(requests):
        metrics.answered(BalancerOutcome.ADMITTED, 0.01)
    Gauge(STARTED, "Start time of the process", registry=registry).set(started_unix_s)
    async with http.listen(
        Application([("/metrics", exposition.MetricsHandler, {"registry": registry})]), HOST, port
    ):
        yield


@contextlib.asynccontextmanager
async def followed(chore: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(chore)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def seen(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def kinds(log: EventLog) -> list[tuple[str, str]]:
    return [(event["event"], event["service"]) for event in log.events]


@pytest.mark.gen_test
async def test_a_balancer_that_is_back_before_any_alarm_leaves_a_trace() -> None:
    (port,) = free_ports(1)
    log, board = EventLog(), Board()
    url = f"http://{HOST}:{port}"
    async with followed(FleetFeed(board, Balancers([url]), url, Outages(log), asyncio.Event()).follow()):
        async with balancer(port):
            await seen(lambda: board.connected)
        await seen(lambda: not board.connected)
        assert kinds(log) == [("lost", "balancer")]  # and nothing of the time before it was there
        async with balancer(port):
            await seen(lambda: board.connected)
            lost, back = log.events
            assert kinds(log) == [("lost", "balancer"), ("back", "balancer")]
            assert lost["unix_s"] <= back["unix_s"]
            assert back["since_unix_s"] == lost["unix_s"]


@pytest.mark.gen_test
async def test_a_gateway_that_refuses_connections_is_lost_until_it_is_read_again() -> None:
    (port,) = free_ports(1)
    log = EventLog()
    async with aiohttp.ClientSession() as session:
        watch = GatewayWatch(session, [f"http://{HOST}:{port}"], Rates(), Outages(log))
        async with followed(watch.follow()):
            async with gateway(port, 1.0):
                await seen(lambda: watch._newest is not None)
            await seen(lambda: kinds(log) == [("lost", "gateway")])
            async with gateway(port, time.time()):
                await seen(lambda: kinds(log) == [("lost", "gateway"), ("back", "gateway")])


@pytest.mark.gen_test
@pytest.mark.parametrize("anew", [True, False], ids=["started anew", "another that had run before"])
async def test_a_gateway_that_was_started_between_two_readings_was_lost_between_them(*, anew: bool) -> None:
    (port,) = free_ports(1)
    log = EventLog()
    async with aiohttp.ClientSession() as session:
        watch = GatewayWatch(session, [f"http://{HOST}:{port}"], Rates(), Outages(log))
        async with gateway(port, 1.0):
            watch._take(await watch._ask())
        async with gateway(port, time.time() if anew else 2.0):
            watch._take(await watch._ask())
    assert kinds(log) == ([("lost", "gateway"), ("back", "gateway")] if anew else [])


@pytest.mark.gen_test
async def test_a_gateway_of_several_processes_is_the_sum_of_them_and_lost_while_one_is() -> None:
    ports = free_ports(2)
    log, rates = EventLog(), Rates()
    async with aiohttp.ClientSession() as session, gateway(ports[0], 1.0, requests=3):
        watch = GatewayWatch(session, [f"http://{HOST}:{port}" for port in ports], rates, Outages(log))
        async with gateway(ports[1], 2.0, requests=4):
            reading = await watch._ask()
            assert (reading.outcomes["admitted"], reading.started_unix_s) == (7, 2.0)
            assert reading.within_s[float("inf")] == 7
            watch._take(reading)
        async with followed(watch.follow()):
            await seen(lambda: kinds(log) == [("lost", "gateway")])
            async with gateway(ports[1], time.time(), requests=1):
                await seen(lambda: kinds(log) == [("lost", "gateway"), ("back", "gateway")])
                assert watch._newest
                assert watch._newest[0].outcomes["admitted"] == 4
