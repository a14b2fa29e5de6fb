"""The outcome of each key: the real balancer and real journals on virtual time, one fault after another."""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from balancer.contract import BalancerAnswer, BalancerOutcome
from substation.contract import Place, StopSession
from substation.contract import SubstationOutcome as Placed
from tests.support.virtual_grid import KW, Balancer, Station, request
from tests.support.virtual_time import simulate


@dataclasses.dataclass
class Grid:
    """Substations `s-1`, `s-2`, ... and a balancer."""

    balancer: Balancer
    stations: dict[str, Station]

    async def charge(self, key: str, kw: int = 10, wait_s: float = 0, **changed: object) -> BalancerAnswer:
        asked = await self.balancer.charge(request(key, kw, wait_s, **changed))  # type: ignore[arg-type]
        assert asked.answer
        return asked.answer

    async def placed(self, key: str, kw: int = 10, wait_s: float = 0, **changed: object) -> str:
        """Where a request was placed."""
        answer = await self.charge(key, kw, wait_s, **changed)
        assert answer.outcome is BalancerOutcome.ADMITTED, answer
        assert answer.session
        return answer.session.session_id

    async def lose(self, *names: str) -> None:
        """Kill substations, and wait until they are ejected."""
        for name in names:
            self.stations[name].kill()
        await asyncio.sleep(5)
        assert {str(self.balancer.state(name)) for name in names} == {"ejected"}

    def sessions(self) -> list[str]:
        return [
            session.session_id
            for station in self.stations.values()
            for disk in station.disks
            for session in station.sessions(disk)
        ]


def on_a_grid(
    folder: Path, capacities_kw: tuple[int, ...], scenario: Callable[[Grid], Awaitable[None]]
) -> None:
    async def run(rng: random.Random) -> None:
        stations = [
            Station(folder, f"s-{number}", kw * KW) for number, kw in enumerate(capacities_kw, start=1)
        ]
        for station in stations:
            station.start()
        balancer = Balancer(folder, stations, rng)
        await balancer.ready(*(station.name for station in stations))
        grid = Grid(balancer, {station.name: station for station in stations})
        try:
            await scenario(grid)
        finally:
            await grid.balancer.kill()
            for station in stations:
                station.kill()

    simulate(run, 1)


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
