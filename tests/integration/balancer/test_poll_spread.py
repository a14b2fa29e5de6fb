"""When addresses are polled: those that are found at once are not polled in step."""

import asyncio
import itertools
import random
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from prometheus_client import CollectorRegistry

from balancer.book.decommissioned import DecommissionedJournals
from balancer.fleet.poll_schedule import GOLDEN_RATIO
from balancer.fleet.poller import Poller
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.metrics import BalancerMetrics
from balancer.placing.policies import PolicySwitch
from balancer.substation_stream import Links
from tests.integration.balancer.grid import HOST
from tests.support.ports import free_ports

COUNT = 4
POLL_S = 4.0  # the moments lie 0.6 s apart


def polling(registry: CollectorRegistry) -> tuple[Poller, Links]:
    roster = Roster(POLL_S)
    links = Links(roster)
    view = View(roster, links.up, PolicySwitch(random.Random(1)))
    return Poller(view, links, BalancerMetrics(registry), DecommissionedJournals()), links


@pytest.mark.gen_test
async def test_addresses_that_are_found_at_once_are_polled_one_after_the_other() -> None:
    polls: asyncio.Queue[int] = asyncio.Queue()
    ports = free_ports(COUNT)
    poller, links = polling(CollectorRegistry())

    def hang_up(number: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        """Return a server that notes each poll, and closes the connection, so that the next poll opens one."""

        def server(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            polls.put_nowait(number)
            writer.transport.abort()

        return server

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        stack.push_async_callback(links.close)
        stack.push_async_callback(poller.close)
        for number, port in enumerate(ports):
            server = await asyncio.start_server(hang_up(number), HOST, port)
            await stack.enter_async_context(server)
        for port in ports:
            poller.watch(f"http://{HOST}:{port}")
        found = [await polls.get() for _ in range(2 * COUNT)]
    shares = [(number + 1) * GOLDEN_RATIO % 1 for number in range(COUNT)]
    assert sorted(found[:COUNT]) == list(range(COUNT))  # each at once
    assert found[COUNT:] == sorted(range(COUNT), key=shares.__getitem__)


@pytest.mark.gen_test
async def test_a_poll_that_is_due_soon_after_a_late_one_does_not_make_that_a_miss() -> None:
    """As after a standstill, or where an address is found just before it is due."""
    registry = CollectorRegistry()
    poller, links = polling(registry)
    asked = asyncio.Event()

    def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        asked.set()

    held: list[asyncio.StreamWriter] = []
    begun = list[str]()
    poller._schedule._numbers = itertools.count(34)  # due after 1.3 % of the interval
    begin = poller._schedule.begin

    def noted(now_s: float, turn_s: float) -> list[str]:
        begun.extend(found := begin(now_s, turn_s))
        return found

    poller._schedule.begin = noted  # type: ignore[method-assign]
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        stack.push_async_callback(links.close)
        stack.push_async_callback(poller.close)
        server = await stack.enter_async_context(await asyncio.start_server(silent, HOST, 0))
        poller.watch(f"http://{HOST}:{server.sockets[0].getsockname()[1]}")
        await asked.wait()
        while not begun:
            await asyncio.sleep(0.01)
        assert registry.get_sample_value("smartgrid_balancer_polls_total", {"outcome": "failed"}) == 0
        for writer in held:
            writer.transport.abort()
