"""The outcome of each key: the real balancer and real journals on virtual time, one fault after another."""

import asyncio
import dataclasses
import random
from pathlib import Path

import pytest

from balancer.contract import BalancerOutcome
from substation.contract import StopSession
from tests.support.virtual_grid import Balancer
from tests.unit.balancer.placing.keyed_grid import Grid, on_a_grid


def test_a_key_is_not_claimed_at_a_dead_substation_and_gets_in_as_soon_as_there_is_room(
    tmp_path: Path,
) -> None:
    """Two of three are dead, so that all that is known of them counts, and the third is full."""

    async def scenario(grid: Grid) -> None:
        last = [await grid.placed(f"fills-{n}", 10, substations=("s-3",)) for n in range(10)][-1]
        await grid.lose("s-1", "s-2")
        assert grid.balancer.view.panic(asyncio.get_running_loop().time())
        began_s = asyncio.get_running_loop().time()
        assert (await grid.charge("key")).outcome is BalancerOutcome.NO_CAPACITY
        assert asyncio.get_running_loop().time() - began_s < 1
        waiting = asyncio.create_task(grid.placed("waits", wait_s=20))
        await asyncio.sleep(5)
        grid.stations["s-3"].decide(StopSession(last), float("inf"))
        assert (await waiting).startswith("s-3.")

    on_a_grid(tmp_path, (100, 100, 100), scenario)


def test_a_suspect_without_a_stream_gets_no_key(tmp_path: Path) -> None:
    """Before it is ejected as well: the first polls have not failed yet."""

    async def scenario(grid: Grid) -> None:
        for n in range(10):
            await grid.placed(f"fills-{n}", 10, substations=("s-2",))
        grid.stations["s-1"].kill()
        answer = await grid.charge("key")
        assert answer.outcome is BalancerOutcome.NO_CAPACITY
        assert (
            await grid.charge("only-there", substations=("s-1",))
        ).outcome is BalancerOutcome.NO_SUBSTATION
        grid.stations["s-1"].start()
        await grid.balancer.ready("s-1")
        assert (await grid.placed("key")).startswith("s-1.")

    on_a_grid(tmp_path, (100, 100), scenario)


def test_sixty_true_retries_beside_another_request_under_the_key_all_get_their_session(
    tmp_path: Path,
) -> None:
    async def scenario(grid: Grid) -> None:
        session_id = await grid.placed("key", 10)

        async def other() -> None:
            for _ in range(60):
                assert (await grid.charge("key", 7)).outcome is BalancerOutcome.KEY_REUSED

        flood = [asyncio.create_task(other()) for _ in range(5)]
        for _ in range(60):
            assert await grid.placed("key", 10) == session_id
        await asyncio.gather(*flood)
        assert grid.sessions() == [session_id]

    on_a_grid(tmp_path, (100,), scenario)


def test_of_two_requests_under_one_key_that_wait_for_room_one_gets_it(tmp_path: Path) -> None:
    async def scenario(grid: Grid) -> None:
        await grid.placed("fills", 100, seconds=5)
        waiting = [grid.charge("key", 10, 20), grid.charge("key", 7, 20), grid.charge("key", 10, 20)]
        first, other, joined = await asyncio.gather(*waiting)
        assert {first.outcome, other.outcome} == {BalancerOutcome.ADMITTED, BalancerOutcome.KEY_REUSED}
        assert first == joined
        assert len(grid.sessions()) == 2

    on_a_grid(tmp_path, (100,), scenario)


@pytest.mark.parametrize("wait_s", [0.0, 30.0])
def test_a_key_that_was_refused_does_not_depend_on_who_refused_it(tmp_path: Path, wait_s: float) -> None:
    """Refused, nobody else has room, and then the one that has refused dies."""

    async def scenario(grid: Grid) -> None:
        for name in ("s-1", "s-2"):
            await grid.placed(f"fills-{name}", 100, seconds=12, substations=(name,))
        refuses = grid.stations["s-1"]
        grid.balancer.roster.members["s-1"].report = dataclasses.replace(refuses.report(), load_w=0)
        asking = asyncio.create_task(grid.charge("key", 10, wait_s))
        await asyncio.sleep(0.3)
        refuses.kill()
        await asyncio.sleep(0.3)
        if wait_s:  # the balancer is killed too, while the key waits
            await grid.balancer.kill()
            await asyncio.gather(asking, return_exceptions=True)
            grid.balancer = Balancer(refuses._folder.parent, list(grid.stations.values()), random.Random(2))
            await grid.balancer.ready("s-2")
        else:
            assert (await asking).outcome is BalancerOutcome.NO_CAPACITY
        await asyncio.sleep(12)
        assert (await grid.placed("key")).startswith("s-2.")

    on_a_grid(tmp_path, (100, 100), scenario)


@pytest.mark.parametrize("unknown", [("nobody",), ("nobody", "nobody-else")])
def test_names_that_the_grid_does_not_have_change_no_answer_beside_one_that_it_has(
    tmp_path: Path, unknown: tuple[str, ...]
) -> None:
    async def scenario(grid: Grid) -> None:
        named = ("s-1", *unknown)
        assert (await grid.placed("fits", 100, seconds=20, substations=named)).startswith("s-1.")
        assert (await grid.charge("full", substations=named)).outcome is BalancerOutcome.NO_CAPACITY
        assert (await grid.placed("full", wait_s=30, substations=named)).startswith("s-1.")
        none_of_them = await grid.charge("neither", substations=unknown)
        assert (none_of_them.outcome, none_of_them.detail) == (
            BalancerOutcome.UNKNOWN_SUBSTATION,
            ", ".join(unknown),
        )
        assert (
            await grid.charge("too-much", 101, substations=named)
        ).outcome is BalancerOutcome.EXCEEDS_CAPACITY

    on_a_grid(tmp_path, (100, 100), scenario)


@pytest.mark.parametrize("jumped_s", [48 * 3600.0, -48 * 3600.0])
def test_a_wall_clock_that_jumps_makes_no_key_forgotten(tmp_path: Path, jumped_s: float) -> None:
    async def scenario(grid: Grid) -> None:
        session_id = await grid.placed("key")
        grid.balancer.jumped_s = jumped_s
        await asyncio.sleep(10)
        grid.balancer.jumped_s = 0
        await asyncio.sleep(10)
        assert await grid.placed("key") == session_id
        await grid.balancer.kill()
        stations = list(grid.stations.values())
        folder = stations[0]._folder.parent
        for start in range(3):
            grid.balancer = Balancer(folder, stations, random.Random(start), jumped_s=start * jumped_s)
            await grid.balancer.ready("s-1")
            await asyncio.sleep(5)
            assert await grid.placed("key") == session_id
            await grid.balancer.kill()

    on_a_grid(tmp_path, (100, 100), scenario)
