"""The outcome of keys whose journal is lost, late or given up, on virtual time."""

import asyncio
import dataclasses
from pathlib import Path

from balancer.contract import BalancerAnswer, BalancerOutcome
from substation.contract import Place
from substation.contract import SubstationOutcome as Placed
from tests.support.virtual_grid import request
from tests.unit.balancer.placing.keyed_grid import Grid, on_a_grid


def test_a_key_is_not_left_at_a_substation_that_was_never_asked(tmp_path: Path) -> None:
    """Every one of five refuses: after four the request ends, and the key waits at none of them."""

    async def scenario(grid: Grid) -> None:
        for name, station in grid.stations.items():
            await grid.placed(f"fills-{name}", 100, substations=(name,))
            grid.balancer.roster.members[name].report = dataclasses.replace(station.report(), load_w=0)
        asked = await grid.balancer.charge(request("key"))
        assert asked.answer
        assert asked.answer.outcome is BalancerOutcome.NO_CAPACITY
        assert asked.claim
        assert (asked.claim.attempt, asked.claim.target) == (3, "")

    on_a_grid(tmp_path, (100,) * 5, scenario)


def test_a_key_whose_journal_is_not_there_is_unknown_until_the_journal_is_back(tmp_path: Path) -> None:
    async def scenario(grid: Grid) -> None:
        session_id = await grid.placed("key", substations=("s-1",))
        station = grid.stations["s-1"]
        station.kill()
        station.start(disk=1)
        await asyncio.sleep(10)
        assert str(grid.balancer.state("s-1")) == "healthy"
        answer = await grid.charge("key", substations=("s-1",))
        assert answer.outcome is BalancerOutcome.UNKNOWN
        assert all(journal in answer.detail for journal in station.disks.values())
        assert (await grid.placed("fresh", substations=("s-1",))).startswith("s-1.")
        station.kill()
        station.start(disk=0)
        await asyncio.sleep(10)
        assert await grid.placed("key", substations=("s-1",)) == session_id
        assert (await grid.charge("fresh", substations=("s-1",))).outcome is BalancerOutcome.UNKNOWN

    on_a_grid(tmp_path, (100, 100), scenario)


def test_a_key_whose_journal_was_given_up_is_placed_anew(tmp_path: Path) -> None:
    async def scenario(grid: Grid) -> None:
        first = await grid.placed("key", substations=("s-1",))
        station = grid.stations["s-1"]
        station.kill()
        station.start(disk=1)
        await asyncio.sleep(10)
        assert (await grid.charge("key", substations=("s-1",))).outcome is BalancerOutcome.UNKNOWN
        lost = station.destroy(0)
        given_up = await grid.balancer.decommission("s-1", lost)
        assert given_up
        assert given_up.outcome is BalancerOutcome.DONE
        again = await grid.placed("key", substations=("s-1",))
        assert again != first
        assert grid.sessions() == [again]

    on_a_grid(tmp_path, (100, 100), scenario)


def test_a_journal_that_came_between_two_polls_places_nothing_that_was_claimed_at_another(
    tmp_path: Path,
) -> None:
    """The view still shows the former journal: the substation itself says that it is not meant."""

    async def scenario(grid: Grid) -> None:
        await grid.placed("key", substations=("s-1",))
        station = grid.stations["s-1"]
        station.page_cut = True
        station.kill()
        station.start(disk=1)
        asked = grid.charge("key", substations=("s-1",))
        assert (await asked).outcome is BalancerOutcome.UNKNOWN
        assert station.sessions(1) == []

    on_a_grid(tmp_path, (100, 100), scenario)


def test_a_withdrawal_waits_for_its_journal_until_that_is_given_up(tmp_path: Path) -> None:
    """Another journal knows nothing of the session, and can't end it."""

    async def scenario(grid: Grid) -> None:
        balancer, station = grid.balancer, grid.stations["s-1"]
        until_s = asyncio.get_running_loop().time() + 3
        asking = balancer.run(balancer.placement.charge(request("", vehicle_id="car"), until_s))
        while not station.sessions(0):
            await asyncio.sleep(0.0001)
        station.stream_cut = True
        answer, _ = await asking
        assert answer.outcome is BalancerOutcome.WITHDRAWN
        station.kill()
        station.stream_cut = False
        station.start(disk=1)
        await asyncio.sleep(20)
        assert len(await balancer.book.withdrawals()) == 1
        assert await balancer.decommission("s-1", station.destroy(0)) == BalancerAnswer(BalancerOutcome.DONE)
        await asyncio.sleep(20)
        assert await balancer.book.withdrawals() == []

    on_a_grid(tmp_path, (100,), scenario)


def test_a_key_that_met_another_order_book_may_go_elsewhere(tmp_path: Path) -> None:
    async def scenario(grid: Grid) -> None:
        other = Place("another-book", "direct", 0, "car", request("").plan)
        assert grid.stations["s-1"].decide(other, float("inf")).outcome is Placed.PLACED
        asked = await grid.balancer.charge(request("key", substations=("s-1",)))
        assert asked.answer
        assert asked.answer.outcome is BalancerOutcome.NO_SUBSTATION
        assert asked.claim
        assert asked.claim.target == ""
        await grid.lose("s-1")
        assert (await grid.placed("key")).startswith("s-2.")

    on_a_grid(tmp_path, (100, 100), scenario)


def test_what_waits_for_the_stream_of_one_that_is_given_up_does_not_arrive_there(tmp_path: Path) -> None:
    """Else the key would be placed where it is counted as refused."""

    async def scenario(grid: Grid) -> None:
        await grid.placed("key", substations=("s-1",))
        station = grid.stations["s-1"]
        station.kill()
        await asyncio.sleep(4)
        asking = asyncio.create_task(grid.charge("key"))
        await asyncio.sleep(1)
        given_up = await grid.balancer.decommission("s-1")
        assert given_up
        assert given_up.outcome is BalancerOutcome.DONE
        station.start()
        assert (await asking).outcome is BalancerOutcome.UNKNOWN
        assert (await grid.placed("key")).startswith("s-2.")

    on_a_grid(tmp_path, (100, 100), scenario)
