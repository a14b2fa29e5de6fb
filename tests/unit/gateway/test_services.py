"""Requests take turns with the balancers; what is no placement, or waits for room, takes none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from balancer.contract import BalancerAnswer, BalancerOutcome, Charge, Command, FindSession
from gateway.access import Access
from gateway.balancers import Balancers
from gateway.fair_turns import FairTurns
from gateway.metrics import GatewayMetrics
from gateway.services import NO_TURN, Services
from substation.plan import Plan
from tests.unit.gateway.test_fair_turns import Clock

FULL = BalancerAnswer(BalancerOutcome.NO_CAPACITY, retry_after_ms=1000)


class Balancer:
    """Answers when it is told to; `asked` are the vehicles that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Semaphore(0)

    async def call(self, command: Command, within_s: float) -> BalancerAnswer:
        assert within_s > 0
        self.asked.append(command.vehicle_id if isinstance(command, Charge) else "found")
        await self.answers.acquire()
        return FULL


def charge(vehicle_id: str, wait_ms: int = 0) -> Charge:
    """A request of the caller after whom the vehicle is named."""
    return Charge("", "", vehicle_id, Plan(1000, 1000), (), wait_ms, vehicle_id.partition("-")[0])


@contextlib.asynccontextmanager
async def asking(
    *commands: Command, deadline_s: float = 60.0
) -> AsyncIterator[tuple[Balancer, list["asyncio.Task[BalancerAnswer]"]]]:
    """Ask a balancer that has one place; the tasks are those of the commands, in their order."""
    balancer = Balancer()
    turns = FairTurns(Clock(), alone=1, among=1)
    services = Services(
        cast("Balancers", balancer),
        GatewayMetrics(CollectorRegistry()),
        Access(None, 60),
        deadline_s,
        60,
        turns,
    )
    tasks = [asyncio.create_task(services.ask(command)) for command in commands]
    await asyncio.sleep(0)
    yield balancer, tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.gen_test
async def test_callers_take_turns_with_the_balancer() -> None:
    async with asking(charge("busy-1"), charge("busy-2"), charge("busy-3"), charge("quiet-1")) as (
        balancer,
        tasks,
    ):
        assert balancer.asked == ["busy-1"]
        for number, vehicle in ((0, "busy-2"), (1, "quiet-1"), (3, "busy-3")):
            balancer.answers.release()
            assert await tasks[number] is FULL
            assert balancer.asked[-1] == vehicle


@pytest.mark.gen_test
async def test_a_car_that_waits_for_room_and_a_look_at_a_session_take_no_turn() -> None:
    async with asking(charge("busy-1"), charge("busy-2", 9000), FindSession("s.1"), charge("busy-3")) as (
        balancer,
        _,
    ):
        assert balancer.asked == ["busy-1", "busy-2", "found"]


@pytest.mark.gen_test
async def test_a_request_without_a_turn_until_its_deadline_never_reaches_the_balancer() -> None:
    async with asking(charge("busy-1"), charge("busy-2"), deadline_s=0.01) as (balancer, tasks):
        answer = await tasks[1]
        assert (answer.outcome, answer.detail) == (BalancerOutcome.UNAVAILABLE, NO_TURN)
        assert answer.retry_after_ms > 0
        assert balancer.asked == ["busy-1"]
        balancer.answers.release()
        assert await tasks[0] is FULL


@pytest.mark.gen_test
async def test_the_turn_of_a_client_that_hangs_up_goes_to_the_next() -> None:
    async with asking(charge("busy-1"), charge("busy-2")) as (balancer, tasks):
        tasks[0].cancel()
        while len(balancer.asked) < 2:
            await asyncio.sleep(0)
        assert balancer.asked == ["busy-1", "busy-2"]
