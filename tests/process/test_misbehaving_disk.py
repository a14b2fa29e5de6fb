"""A substation on a disk that stalls, fails or is full; the faults come from below SQLite."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from runtime.coalescer import LinkLost
from substation.contract import FindSession, Withdraw
from tests.integration.balancer.grid import Plan, running, until
from tests.integration.gateway.api import api_of
from tests.support.fault_shim import Disk, FaultShim, built
from tests.support.processes import HUNG_S, Substation, serving
from tests.support.sessions import place
from tests.support.substation_app import ID, Grid


@pytest.fixture
def shim(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> FaultShim:
    return FaultShim(tmp_path / "faults", built(tmp_path_factory.getbasetemp()))


@asynccontextmanager
async def on(shim: FaultShim, data: Path, name: str = ID) -> AsyncIterator[tuple[Substation, Grid]]:
    async with serving(data, SUBSTATION_ID=name, **shim.environ) as (process, grid):
        yield process, grid


async def becomes_ready(grid: Grid, status: int) -> None:
    while (await grid.get("/readyz"))[0] != status:
        await asyncio.sleep(0.05)


@pytest.mark.gen_test
async def test_a_stalled_sync_holds_up_answers_and_nothing_else(tmp_path: Path, shim: FaultShim) -> None:
    async with on(shim, tmp_path) as (_, grid):
        assert (await grid.ask(place("before"))).outcome == "placed"
        shim.disk(Disk.STALL)
        waiting = [asyncio.create_task(grid.ask(place(f"key-{number}"))) for number in range(5)]
        for _ in range(20):
            assert (await grid.get("/livez"))[0] == 200
            assert await grid.value("smartgrid_substation_load_watts") == 11_000
            await asyncio.sleep(0.02)
        assert not any(call.done() for call in waiting)  # nothing is placed before it is on the disk
        await becomes_ready(grid, 503)  # nor is anything sent here any more
        assert (await grid.get("/readyz"))[1]["waiting_for"] == [
            "the disk of the journal: a commit takes over 1 s"
        ]
        assert await grid.value("smartgrid_substation_draining") == 1
        shim.disk(Disk.WORKS)
        assert {answer.outcome for answer in await asyncio.gather(*waiting)} == {"placed"}
        assert await grid.value("smartgrid_substation_load_watts") == 66_000
        await becomes_ready(grid, 200)
        assert await grid.value("smartgrid_substation_draining") == 0


@pytest.mark.gen_test
async def test_a_substation_whose_sync_stalls_gets_no_requests_and_its_neighbours_get_them(
    tmp_path: Path, shim: FaultShim
) -> None:
    async with AsyncExitStack() as stack:
        process, _ = await stack.enter_async_context(on(shim, tmp_path, "s-3"))
        plan = Plan(more_urls=(f"http://127.0.0.1:{process.port}",))
        grid = await stack.enter_async_context(running(tmp_path, plan))
        api = await api_of(grid)

        async def used() -> bool:
            shown = (await grid.fleet()).get("s-3")
            return shown is not None and shown["state"] == "healthy" and not shown["draining"]

        async def avoided() -> bool:
            return not await used()

        await until(used)
        shim.disk(Disk.STALL)
        stuck = asyncio.create_task(api.charge("stuck", max_power_kw=1))  # the emptiest has most room
        await until(avoided)
        answers = [await api.charge(f"key-{number}", max_power_kw=1) for number in range(20)]
        assert {answer.status for answer in answers} == {201}
        assert {answer.json["substation_id"] for answer in answers} == {"s-1", "s-2"}
        shim.disk(Disk.WORKS)
        await until(used)
        assert (await api.charge("after", max_power_kw=1)).json["substation_id"] == "s-3"
        assert (await stuck).status in {201, 503}
        assert (await api.charge("stuck", max_power_kw=1)).json["substation_id"] == "s-3"


@pytest.mark.gen_test
async def test_a_failed_sync_ends_the_process_and_what_was_answered_is_kept(
    tmp_path: Path, shim: FaultShim
) -> None:
    async with on(shim, tmp_path) as (process, grid):
        placed = {f"key-{n}": (await grid.ask(place(f"key-{n}"))).session.session_id for n in range(5)}
        shim.disk(Disk.EIO)
        with pytest.raises(LinkLost):
            await grid.ask(place("unknown"))
        assert await process.ended() == 70
        assert "the journal thread can't go on" in process.said()
    shim.disk(Disk.WORKS)
    async with on(shim, tmp_path) as (_, grid):
        for key, session_id in placed.items():
            assert (await grid.ask(FindSession(session_id))).session.state == "charging"
            assert (await grid.ask(place(key))).session.session_id == session_id
        settled = await grid.ask(place("unknown"))  # may or may not have been written: now it is one session
        assert settled.outcome == "placed"
        assert (await grid.ask(place("unknown"))).session.session_id == settled.session.session_id
        assert await grid.value("smartgrid_substation_load_watts") == 66_000


@pytest.mark.gen_test
async def test_a_full_disk_admits_nothing_but_reads_on_and_recovers_by_itself(
    tmp_path: Path, shim: FaultShim
) -> None:
    async with on(shim, tmp_path) as (_, grid):
        session_id = (await grid.ask(place("before"))).session.session_id
        shim.disk(Disk.ENOSPC)
        for command in (place("during"), Withdraw("other", 0)):
            assert (await grid.ask(command)).outcome == "unavailable"
        status, ready = await grid.get("/readyz")
        assert (status, ready["waiting_for"]) == (503, ["room on the disk of the journal"])
        assert (await grid.get("/livez"))[0] == 200
        assert (await grid.ask(FindSession(session_id))).session.state == "charging"
        assert [s["session_id"] for s in (await grid.get("/sessions"))[1]["sessions"]] == [session_id]
        assert await grid.value("smartgrid_substation_draining") == 1
        assert grid.messages[-1].report.draining
        assert await grid.value("smartgrid_substation_load_watts") == 11_000
        shim.disk(Disk.WORKS)
        await becomes_ready(grid, 200)
        assert (await grid.ask(place("during"))).outcome == "placed"
        assert await grid.value("smartgrid_substation_load_watts") == 22_000


@pytest.mark.parametrize("fault", [Disk.ENOSPC, Disk.EDQUOT])
@pytest.mark.gen_test
async def test_a_restart_on_a_full_disk_reads_on_admits_nothing_and_recovers_by_itself(
    tmp_path: Path, shim: FaultShim, fault: Disk
) -> None:
    async with on(shim, tmp_path) as (process, grid):
        session_id = (await grid.ask(place("before"))).session.session_id
        shim.disk(fault)
        assert (await grid.ask(place("during"))).outcome == "unavailable"
        await process.kill()
    async with on(shim, tmp_path) as (_, grid):
        status, ready = await grid.get("/readyz")
        assert (status, ready["waiting_for"]) == (503, ["room on the disk of the journal"])
        assert (await grid.ask(FindSession(session_id))).session.state == "charging"
        assert [s["session_id"] for s in (await grid.get("/sessions"))[1]["sessions"]] == [session_id]
        shim.disk(Disk.WORKS)
        await becomes_ready(grid, 200)
        assert (await grid.ask(place("after"))).outcome == "placed"
        assert await grid.value("smartgrid_substation_load_watts") == 22_000


@pytest.mark.gen_test
async def test_a_first_start_on_a_full_disk_says_why_it_can_t(tmp_path: Path, shim: FaultShim) -> None:
    shim.disk(Disk.ENOSPC)
    process = Substation(tmp_path, SUBSTATION_ID=ID, **shim.environ)
    assert await process.ended() == 1
    (line,) = process.said().splitlines()
    assert line.startswith("substation can't start: ")
    assert "full" in line


@pytest.mark.gen_test
async def test_sigterm_during_a_stalled_sync_ends_within_what_an_engine_allows(
    tmp_path: Path, shim: FaultShim
) -> None:
    async with on(shim, tmp_path) as (process, grid):
        placed = (await grid.ask(place("before"))).session.session_id
        shim.disk(Disk.STALL)
        stuck = asyncio.create_task(grid.ask(place("stuck"), HUNG_S))
        await asyncio.sleep(0.1)
        process.process.terminate()
        assert await asyncio.to_thread(process.process.wait, 10) == 1  # not in order, and it says so
        with pytest.raises(LinkLost):
            await stuck
    shim.disk(Disk.WORKS)
    async with on(shim, tmp_path) as (_, grid):
        assert (await grid.ask(FindSession(placed))).session.state == "charging"


@pytest.mark.parametrize("fault", [Disk.ENOSPC, Disk.EIO])
@pytest.mark.gen_test
async def test_a_backup_that_finds_no_room_or_no_sync_is_a_problem_and_leaves_nothing(
    tmp_path: Path, shim: FaultShim, fault: Disk
) -> None:
    async with on(shim, tmp_path) as (process, grid):
        session_id = (await grid.ask(place("before"))).session.session_id
        whole = (await grid.post("/backup"))[1]["path"]
        shim.disk(fault)
        status, document = await grid.post("/backup")
        assert (status, document["type"]) == (503, "urn:smartgrid:problem:unavailable")
        assert document["detail"].startswith("the copy can't be written: is there room on the disk?")
        assert [str(path) for path in await asyncio.to_thread(backups, tmp_path)] == [whole]
        assert (await grid.ask(FindSession(session_id))).session.state == "charging"
        shim.disk(Disk.WORKS)
        assert (await grid.ask(place("after"))).outcome == "placed"
        assert (await grid.post("/backup"))[0] == 201
        assert "a backup failed" in process.said()
        assert await grid.value("smartgrid_substation_load_watts") == 22_000


@pytest.mark.gen_test
async def test_a_backup_while_the_journal_finds_no_room_says_what_is_waited_for(
    tmp_path: Path, shim: FaultShim
) -> None:
    async with on(shim, tmp_path) as (_, grid):
        shim.disk(Disk.ENOSPC)
        assert (await grid.ask(place("a"))).outcome == "unavailable"
        assert (await grid.post("/backup"))[0] == 503
        assert await asyncio.to_thread(backups, tmp_path) == []
        shim.disk(Disk.WORKS)
        await becomes_ready(grid, 200)
        assert (await grid.post("/backup"))[0] == 201


def backups(data: Path) -> list[Path]:
    return sorted((data / ID / "backups").iterdir())
