"""The open sessions of a real substation, asked over HTTP, up to 100,000 of them."""

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from substation.contract import StopSession
from tests.bench.journals import PLANS, fill
from tests.support.sessions import place
from tests.support.substation_app import Grid, running

MANY = 100_000


async def listed(grid: Grid, query: str = "") -> dict[str, Any]:
    status, body = await grid.get(f"/sessions/open?{query}")
    assert status == 200, body
    return dict(body)


@pytest.mark.gen_test
async def test_open_sessions_are_listed_by_power_and_an_ended_one_is_not(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        placed = [
            (await grid.ask(place(key, power_w=watts))).session.session_id
            for key, watts in (("a", 11_000), ("b", 22_000), ("c", 3_700))
        ]
        await grid.ask(StopSession(placed[0]))
        got = await listed(grid, "sort=power&dir=down")
        assert [each["session_id"] for each in got["sessions"]] == [placed[1], placed[2]]
        assert [each["draw_w"] for each in got["sessions"]] == [22_000, 3_700]
        assert (got["matching"], got["charging"], got["paused"], got["next"]) == (2, 2, 0, None)
        (one,) = (await listed(grid, "search=car-c"))["sessions"]
        assert one["vehicle_id"] == "car-c"
        assert (await listed(grid, "state=paused"))["matching"] == 0


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("sort=age", "sort"),
        ("dir=left", "dir"),
        ("state=completed", "state"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("after=x", "after"),
        (f"search={'x' * 129}", "search"),
        ("sort=end&sort=end", "sort"),
    ],
)
@pytest.mark.gen_test
async def test_a_query_that_is_none_is_refused_with_the_parameter(
    query: str, word: str, tmp_path: Path
) -> None:
    async with running(tmp_path) as grid:
        status, problem = await grid.get(f"/sessions/open?{query}")
        assert (status, problem["status"]) == (400, 400)
        assert problem["detail"].startswith(word)


@pytest.mark.gen_test
async def test_the_list_requires_the_operator_s_token_where_there_is_one(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o600)
    async with running(tmp_path, OPERATOR_TOKEN_FILE=str(token)) as grid:
        assert (await grid.get("/sessions/open"))[0] == 401
        headers = {"Authorization": f"Bearer {'t' * 40}"}
        url = f"http://127.0.0.1:{grid.port}/sessions/open"
        async with grid.http.get(url, headers=headers) as reply:
            assert (reply.status, (await reply.json())["sessions"]) == (200, [])


@pytest.mark.gen_test(timeout=120)
async def test_a_page_of_100_000_open_sessions_is_found_while_the_substation_goes_on_answering(
    tmp_path: Path,
) -> None:
    fill(tmp_path / "substation-1" / "journal.sqlite", opened=MANY, ended=1_000)
    async with running(tmp_path, capacity_kw=1_000_000) as grid:
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        counting = asyncio.create_task(count_turns())
        first = await listed(grid, "sort=power&dir=down&limit=100")
        counting.cancel()
        assert turns > MANY / 1_000  # the loop had a turn for each few hundred sessions
        assert first["matching"] == first["charging"] == MANY
        assert len(first["sessions"]) == 100
        assert {each["power_w"] for each in first["sessions"]} == {max(plan.power_w for plan in PLANS)}
        second = await listed(grid, f"sort=power&dir=down&limit=100&after={quote(first['next'])}")
        assert second["before"] == 100
        assert not {e["session_id"] for e in first["sessions"]} & {
            e["session_id"] for e in second["sessions"]
        }
        car = second["sessions"][0]["vehicle_id"]
        assert (await listed(grid, f"search={car}"))["matching"] >= 1
        assert (await grid.ask(place("one more"))).outcome == "placed"
        newest = (await listed(grid, "sort=start&dir=down&limit=1"))["sessions"][0]
        assert newest["vehicle_id"] == "car-one more"
        assert newest["started_unix_ms"] <= time.time() * 1000
