"""When addresses are polled: those that are found at once are not polled in step."""

import asyncio
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


@pytest.mark.gen_test
async def test_addresses_that_are_found_at_once_are_polled_one_after_the_other() -> None:
    polls: asyncio.Queue[int] = asyncio.Queue()
    ports = free_ports(COUNT)
    roster = Roster(POLL_S)
    links = Links(roster)
    view = View(roster, links.up, PolicySwitch(random.Random(1)))
    poller = Poller(view, links, BalancerMetrics(CollectorRegistry()), DecommissionedJournals())

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
