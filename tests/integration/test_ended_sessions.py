"""The ended sessions of a real substation, asked over HTTP, also among 100,000 open ones."""

import time
from pathlib import Path
from typing import Any

import pytest

from substation import ended_pages, ended_sessions
from substation.contract import StopSession
from tests.bench.journals import fill
from tests.support.sessions import place
from tests.support.substation_app import Grid, running

LOOKED_AT = ended_sessions.MOST_LOOKED_AT * ended_pages.MOST_PIECES
J = 3_600_000


async def listed(grid: Grid, query: str = "") -> dict[str, Any]:
    status, body = await grid.get(f"/sessions/ended?{query}")
    assert status == 200, body
    return dict(body)


async def all_of(grid: Grid, query: str = "") -> list[dict[str, Any]]:
    """All pages of a query."""
    found, after = [], ""
    while True:
        page = await listed(grid, f"{query}&after={after}")
        found += page["sessions"]
        if not (after := page["next"]):
            return found


async def stopped(grid: Grid, *keys: str) -> list[str]:
    """Sessions that were stopped, in the order of admission."""
    made = []
    for key in keys:
        session_id = (await grid.ask(place(key, power_w=3_700))).session.session_id
        await grid.ask(StopSession(session_id))
        made.append(session_id)
    return made


@pytest.mark.gen_test
async def test_stopped_and_completed_sessions_are_listed_newest_first_and_open_ones_are_not(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, time_scale=60) as grid:
        first = (await grid.ask(place("short", seconds=1))).session.session_id
        (second,) = await stopped(grid, "b")
        await grid.ask(place("stays", seconds=100_000))
        deadline = time.monotonic() + 30
        while len(found := (await listed(grid))["sessions"]) < 2:
            assert time.monotonic() < deadline
        assert [each["session_id"] for each in found] == [second, first]
        assert [each["state"] for each in found] == ["stopped", "completed"]
        assert found[1]["delivered_j"] == 11_000
        assert all(each["started_unix_ms"] <= each["ended_unix_ms"] for each in found)


@pytest.mark.gen_test
async def test_pages_go_on_without_missing_or_repeating_one(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        made = await stopped(grid, *(f"key-{n}" for n in range(9)))
        found = await all_of(grid, "limit=2")
        assert [each["session_id"] for each in found] == made[::-1]
        # A session of another substation at the same place is a cursor too: the higher id comes first.
        digits = made[4].rpartition(".")[2]
        later = await listed(grid, f"after=substation-0.{digits}")
        assert [each["session_id"] for each in later["sessions"]] == made[:4][::-1]
        earlier = await listed(grid, f"after=substation-2.{digits}")
        assert [each["session_id"] for each in earlier["sessions"]] == made[:5][::-1]


@pytest.mark.gen_test
async def test_a_range_of_starts_and_a_search_choose_sessions(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        made = await stopped(grid, "a", "b_1", "bx1")
        starts = {each["session_id"]: each["started_unix_ms"] for each in await all_of(grid)}
        middle = starts[made[1]]
        found = await all_of(grid, f"from={middle}")
        assert {each["session_id"] for each in found} == {each for each in made if starts[each] >= middle}
        found = await all_of(grid, f"to={middle}")
        assert {each["session_id"] for each in found} == {each for each in made if starts[each] < middle}
        for search, expected in (
            ("CAR-B_", made[1:2]),
            ("car-b", made[:0:-1]),
            (made[0], made[:1]),
            ("%", []),
        ):
            found = await all_of(grid, f"search={search.replace('%', '%25')}")
            assert [each["session_id"] for each in found] == expected


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("after=x", "after"),
        ("after=substation-1.xyz", "after"),
        ("from=-1", "from"),
        ("to=x", "to"),
        (f"search={'x' * 129}", "search"),
        ("from=1&from=1", "from"),
    ],
)
@pytest.mark.gen_test
async def test_a_query_that_is_none_is_refused_with_the_parameter(
    query: str, word: str, tmp_path: Path
) -> None:
    async with running(tmp_path) as grid:
        status, problem = await grid.get(f"/sessions/ended?{query}")
        assert (status, problem["status"]) == (400, 400)
        assert problem["detail"].startswith(word)


@pytest.mark.gen_test
async def test_the_list_requires_the_operator_s_token_where_there_is_one(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o600)
    async with running(tmp_path, OPERATOR_TOKEN_FILE=str(token)) as grid:
        assert (await grid.get("/sessions/ended"))[0] == 401


@pytest.mark.gen_test(timeout=120)
async def test_one_answer_looks_at_a_bounded_number_of_records_and_the_next_ones_go_on(
    tmp_path: Path,
) -> None:
    fill(tmp_path / "substation-1" / "journal.sqlite", opened=LOOKED_AT + 10, ended=3)
    async with running(tmp_path, capacity_kw=1_000_000) as grid:
        first = await listed(grid)
        assert (first["sessions"], first["next"] is None) == ([], False)
        rest = await listed(grid, f"after={first['next']}")
        assert len(rest["sessions"]) == 3
        assert rest["next"] is None
        assert (await grid.ask(place("one more"))).outcome == "placed"
