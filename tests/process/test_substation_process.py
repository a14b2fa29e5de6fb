"""What only processes show: kill -9, SIGTERM, two of one kind, an environment that is wrong."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from substation.contract import FindSession
from tests.support.load import Load
from tests.support.processes import HUNG_S, ROOT, serving, started
from tests.support.sessions import place
from tests.support.substation_app import ID, Grid

SOME = 30


async def assert_kept(grid: Grid, placed: dict[str, str]) -> None:
    """Every acknowledged session is there, once, and a repeated request gets the same one."""
    found = await asyncio.gather(*(grid.ask(FindSession(session_id)) for session_id in placed.values()))
    assert {answer.session.state for answer in found} == {"charging"}
    again = await asyncio.gather(*(grid.ask(place(key, power_w=10)) for key in placed))
    assert [answer.session.session_id for answer in again] == list(placed.values())
    assert await grid.value("smartgrid_substation_load_watts") == 10 * await grid.value(
        "smartgrid_substation_sessions_active"
    )


@pytest.mark.gen_test
async def test_sessions_survive_kill_9_under_load_and_charge_on(tmp_path: Path) -> None:
    async with serving(tmp_path, SUBSTATION_ID=ID, TIME_SCALE="10") as (process, grid):
        load = Load(grid)
        await load.reaches(SOME)
        first = next(iter(load.placed.values()))
        before = (await grid.ask(FindSession(first))).session.delivered_j
        await process.kill()
        await load.ends()
    async with serving(tmp_path, SUBSTATION_ID=ID, TIME_SCALE="10") as (_, grid):
        await assert_kept(grid, load.placed)
        assert (await grid.ask(FindSession(first))).session.delivered_j > before


@pytest.mark.gen_test
async def test_sigterm_under_load_ends_in_order_and_keeps_all_that_was_answered(tmp_path: Path) -> None:
    async with serving(tmp_path, SUBSTATION_ID=ID) as (process, grid):
        load = Load(grid)
        await load.reaches(SOME)
        process.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.process.wait, 10) == 0  # what a container engine allows
        await load.ends()
        lines = [json.loads(line) for line in process.said().splitlines()]
        assert lines[-1]["message"] == "substation has stopped"
        assert {line["level"] for line in lines} == {"info"}
    async with serving(tmp_path, SUBSTATION_ID=ID) as (_, grid):
        await assert_kept(grid, load.placed)


@pytest.mark.gen_test
async def test_a_second_process_of_the_same_id_says_why_it_can_t_start(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, SUBSTATION_ID=ID) as (_, grid),
        started(tmp_path, SUBSTATION_ID=ID) as second,
    ):
        assert await second.ended() == 1
        (line,) = second.said().splitlines()
        assert line.startswith("substation can't start: another process is substation-1")
        assert (await grid.ask(place("a"))).outcome == "placed"


@pytest.mark.gen_test
async def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    async with serving(tmp_path) as (first, _), started(tmp_path, SUBSTATION_PORT=str(first.port)) as second:
        assert await second.ended() == 1
        (line,) = second.said().splitlines()
        assert line.startswith("substation can't start: ")
        assert f":{first.port}: " in line
        assert "in use: end what uses the port, or choose another" in line


@pytest.mark.gen_test
async def test_processes_without_an_id_take_one_slot_each_and_take_it_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, one):
        async with serving(tmp_path) as (_, two):
            assert [await name(one), await name(two)] == ["substation-1", "substation-2"]
            assert await journal(one) != await journal(two)
            second = await journal(two)
        async with serving(tmp_path) as (_, again):
            assert (await name(again), await journal(again)) == ("substation-2", second)


@pytest.mark.gen_test
async def test_bad_settings_end_it_with_2_and_are_all_named(tmp_path: Path) -> None:
    wrong = {
        "SUBSTATION_PORT": "http",
        "CAPACITY_KW": "0",
        "TIME_SCALE": "fast",
        "SUBSTATION_ID": "No Id",
        "BIND": "localhost",
    }
    async with started(tmp_path, **wrong) as process:
        assert await process.ended() == 2
        first, *faults = process.said().splitlines()
    assert first == "substation can't start:"
    assert len(faults) == len(wrong)
    for variable, value in wrong.items():
        assert any(f"{variable}={value!r} can't be used" in fault for fault in faults)


@pytest.mark.gen_test
async def test_it_ends_when_the_process_that_started_it_is_gone(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, pathlib, sys\n"
        "from tests.support.processes import Substation\n"
        "child = Substation(pathlib.Path(sys.argv[1]), EXIT_WITH_PARENT='1')\n"
        "asyncio.run(child.serves())\n"
        "print(child.log, flush=True)\n"
        "os._exit(0)\n"
    )
    starter = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    log = Path(starter.stdout.strip())
    while "has stopped" not in (said := await asyncio.to_thread(log.read_text)):
        await asyncio.sleep(0.05)
    assert "the process that started this one is gone" in said


async def name(grid: Grid) -> str:
    (info,) = await grid.metrics("smartgrid_substation_info")
    return info.labels["substation"]


async def journal(grid: Grid) -> str:
    (info,) = await grid.metrics("smartgrid_substation_info")
    return info.labels["journal"]


async def put_base_load(grid: Grid, kw: float) -> None:
    url = f"http://127.0.0.1:{grid.port}/base-load"
    async with grid.http.put(url, json={"kw": kw}) as reply:
        assert reply.status == 200, await reply.text()


async def until_paused(grid: Grid, count: int) -> None:
    """Wait until so many sessions are paused."""
    async with asyncio.timeout(HUNG_S):
        while await grid.value("smartgrid_substation_sessions_paused") != count:
            await asyncio.sleep(0.02)


@pytest.mark.gen_test
async def test_sessions_that_a_base_load_paused_outlive_kill_9_and_charge_to_their_end(
    tmp_path: Path,
) -> None:
    """At a hundredth of a real night: 44 kW, four cars of 11 kW, and houses that need 15 kW of them for a while."""
    meter = {"BASE_LOAD": "meter", "BASE_LOAD_METER_S": "60", "CAPACITY_KW": "44", "TIME_SCALE": "100"}
    ids = {}
    async with serving(tmp_path, SUBSTATION_ID=ID, **meter) as (process, grid):
        await put_base_load(grid, 0)
        for key in "abcd":  # 400 s of grid time at full power: 4 s
            ids[key] = (await grid.ask(place(key, seconds=400))).session.session_id
        await put_base_load(grid, 15)
        await until_paused(grid, 2)
        before = {key: (await grid.ask(FindSession(ids[key]))).session for key in "cd"}
        assert {session.paused_because for session in before.values()} == {"base_load"}
        refused = await grid.ask(place("e", power_w=1))
        assert refused.outcome == "refused"
        await process.kill()
    async with serving(tmp_path, SUBSTATION_ID=ID, **meter) as (_, grid):
        assert (await grid.get("/base-load"))[1]["base_load_kw"] == 15, "as the journal knows it"
        for key, session in before.items():
            found = (await grid.ask(place(key, seconds=400))).session
            assert (found.session_id, found.state) == (session.session_id, "paused")
            assert (found.delivered_j, found.paused_since_unix_ms) == (
                session.delivered_j,
                session.paused_since_unix_ms,
            )
        await put_base_load(grid, 0)
        await until_paused(grid, 0)
        resumed = (await grid.ask(FindSession(ids["d"]))).session
        assert resumed.expected_end_unix_ms > resumed.first_end_unix_ms == before["d"].expected_end_unix_ms
        async with asyncio.timeout(HUNG_S):
            while await grid.value("smartgrid_substation_sessions_active"):
                await asyncio.sleep(0.05)
        ended = [(await grid.ask(FindSession(each))).session for each in ids.values()]
        assert [(each.state, each.delivered_j) for each in ended] == [("completed", 11_000 * 400)] * 4
        overload = "smartgrid_substation_overload_watt_seconds_total"
        assert await grid.value(overload, cause="admission") == 0
        assert await grid.value(overload, cause="base_load") > 0
