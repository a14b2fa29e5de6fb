"""Balancers and substations as processes: two order books on one fleet, and substations that change places."""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from balancer.contract import BalancerAnswer, BalancerOutcome
from runtime.coalescer import LinkLost
from tests.integration.balancer.caller import Caller, caller
from tests.support import template
from tests.support.console import INHERITED
from tests.support.ports import free_port
from tests.support.processes import HUNG_S, ROOT

HOST = "127.0.0.1"
NAMES = ("s-1", "s-2", "s-3")


class Fleet:
    """Processes by their names; they share nothing but addresses."""

    def __init__(self, folder: Path, http: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.http = http
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {name: (free_port(), free_port()) for name in (*NAMES, "balancer-1", "balancer-2")}

    def substation(self, name: str, at: str = "") -> None:
        """Start a substation, at the ports of another one if that is named."""
        page, stream = self.ports[at or name]
        self._start(
            name,
            "substation",
            {
                "SUBSTATION_PORT": f"{page}",
                "SUBSTATION_STREAM_PORT": f"{stream}",
                "SUBSTATION_ID": name,
                "DATA_DIR": f"{self.folder}",
                "CAPACITY_KW": "1000",
                "TIME_SCALE": "1",
            },
        )

    def balancer(self, name: str, *of: str) -> None:
        """Start a balancer with an order book of its own."""
        page, stream = self.ports[name]
        self._start(
            name,
            "balancer",
            {
                "BALANCER_PORT": f"{page}",
                "BALANCER_STREAM_PORT": f"{stream}",
                "DATA_DIR": f"{self.folder / name}",
                "SUBSTATIONS": ",".join(self.url(each) for each in of),
                "POLL_S": "0.2",
            },
        )

    def _start(self, name: str, module: str, settings: dict[str, str]) -> None:
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = template.popen(
                [sys.executable, "-m", module], cwd=ROOT, env=inherited | settings, stderr=log, stdout=log
            )

    def url(self, name: str) -> str:
        return f"http://{HOST}:{self.ports[name][0]}"

    def calls(self, name: str) -> contextlib.AbstractAsyncContextManager[Caller]:
        return caller(f"{HOST}:{self.ports[name][1]}")

    async def kill(self, *names: str) -> None:
        for name in names:
            self.processes[name].kill()
        for name in names:
            await asyncio.to_thread(self.processes.pop(name).wait, HUNG_S)

    async def get(self, url: str) -> Any:
        async with self.http.get(url) as response:
            return await response.json()

    async def sees(self, balancer: str, *names: str) -> None:
        """Wait until a balancer finds these substations healthy, and no other."""

        async def seen() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                shown = (await self.get(f"{self.url(balancer)}/fleet"))["substations"]
                return {one["substation_id"]: one["state"] for one in shown} == dict.fromkeys(
                    names, "healthy"
                )
            return False

        await until(seen)

    async def sessions(self) -> Counter[str]:
        """How many sessions each vehicle has on the substations that run."""
        pages = [
            await self.get(f"{self.url(name)}/sessions?limit=1000")
            for name in NAMES
            if name in self.processes
        ]
        return Counter(session["vehicle_id"] for page in pages for session in page["sessions"])

    async def decided(self, balancer: str, outcome: str) -> int:
        """How often substations answered a balancer so."""
        async with self.http.get(f"{self.url(balancer)}/metrics") as response:
            page = await response.text()
        counts = re.findall(
            rf'^smartgrid_balancer_decisions_total\{{outcome="{outcome}",.*\}} (.*)$', page, re.MULTILINE
        )
        return sum(int(float(count)) for count in counts)


@contextlib.asynccontextmanager
async def fleets(folder: Path) -> AsyncIterator[Fleet]:
    async with aiohttp.ClientSession() as http:
        fleet = Fleet(folder, http)
        try:
            yield fleet
        finally:
            await fleet.kill(*fleet.processes)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(HUNG_S):
        while not await condition():
            await asyncio.sleep(0.02)


@pytest.mark.gen_test
async def test_a_second_balancer_with_a_book_of_its_own_places_nothing_and_says_why(tmp_path: Path) -> None:
    async with fleets(tmp_path) as fleet, AsyncExitStack() as stack:
        for name in NAMES:
            fleet.substation(name)
        for name in ("balancer-1", "balancer-2"):
            fleet.balancer(name, *NAMES)
            await fleet.sees(name, *NAMES)
        first = await stack.enter_async_context(fleet.calls("balancer-1"))
        second = await stack.enter_async_context(fleet.calls("balancer-2"))
        for name in NAMES:  # from now on each belongs to the first
            await first.placed(f"own-{name}", 1, substations=(name,), vehicle_id=f"own-{name}")
        for name in NAMES:
            for key in ("", f"second-{name}", f"own-{name}"):
                answer = await second.charge(key, 1, substations=(name,), vehicle_id="nobody")
                told = (answer.outcome, answer.detail)
                assert told == (BalancerOutcome.NO_SUBSTATION, f"{name} belongs to another order book")
                assert answer.retry_after_ms > 0
        keys = [f"key-{n}" for n in range(30)]
        both = [each.charge(key, 1, vehicle_id=key) for key in keys for each in (first, second)]
        answers = await asyncio.gather(*both)
        assert {answer.outcome for answer in answers[::2]} == {BalancerOutcome.ADMITTED}
        assert {answer.outcome for answer in answers[1::2]} == {BalancerOutcome.NO_SUBSTATION}
        assert await fleet.sessions() == Counter([*keys, *(f"own-{name}" for name in NAMES)])
        (told_why,) = (await fleet.get(f"{fleet.url('balancer-2')}/decisions?vehicle_id=key-7"))["decisions"]
        assert (told_why["options"], told_why["chosen"]) == ([], None)  # nobody is asked who would refuse
        session = answers[0].session
        assert session
        assert (await second.find(session.session_id)).outcome is BalancerOutcome.FOUND  # it may look


async def placed(client: Caller, key: str) -> BalancerAnswer:
    """Ask again with the same key until there is an answer, as a client does."""
    while True:
        with contextlib.suppress(LinkLost, TimeoutError):
            answer = await client.charge(key, 1, vehicle_id=key, asking_s=3)
            assert answer.outcome in {
                BalancerOutcome.ADMITTED,
                BalancerOutcome.UNKNOWN,
                BalancerOutcome.NO_SUBSTATION,
                BalancerOutcome.NO_CAPACITY,  # not in time, on a busy machine; no substation refuses
            }, answer
            if answer.session:
                return answer
        await asyncio.sleep(0.05)


@pytest.mark.gen_test
async def test_substations_that_change_places_refuse_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Until the next poll what is meant for one reaches the other: that one says `not_me`."""
    two = NAMES[:2]
    async with fleets(tmp_path) as fleet, AsyncExitStack() as stack:
        for name in two:
            fleet.substation(name)
        fleet.balancer("balancer-1", *two)
        await fleet.sees("balancer-1", *two)
        client = await stack.enter_async_context(fleet.calls("balancer-1"))
        keys = [f"key-{n}" for n in range(60)]
        before = {key: await placed(client, key) for key in keys[:20]}
        rush = [asyncio.create_task(placed(client, key)) for key in keys]
        for places in (two[::-1], two):
            await fleet.kill(*two)
            for name, place in zip(two, places, strict=True):
                fleet.substation(name, place)
            rush += [asyncio.create_task(placed(client, key)) for key in keys[20:]]
            await asyncio.gather(*rush)
        after = {key: await placed(client, key) for key in keys}
        await fleet.sees("balancer-1", *two)
        assert await fleet.sessions() == Counter(keys)
        for key, answer in before.items():
            assert answer.session
            found = after[key].session
            assert found
            assert found.session_id == answer.session.session_id
        assert await fleet.decided("balancer-1", "refused") == 0
        shown = (await fleet.get(f"{fleet.url('balancer-1')}/fleet"))["substations"]
        assert {one["substation_id"]: one["url"] for one in shown} == {name: fleet.url(name) for name in two}
