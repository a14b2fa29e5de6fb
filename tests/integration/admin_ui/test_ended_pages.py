"""The console's pages of the ended sessions of real substations."""

import dataclasses
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from admin_ui.sessions import pages as session_pages
from admin_ui.sessions.ended import EndedQuery
from admin_ui.sessions.pages import SessionPages
from substation.contract import StopSession
from substation.ended_pages import MOST_PIECES
from substation.ended_sessions import MOST_LOOKED_AT
from tests.bench.journals import fill
from tests.integration.admin_ui.test_open_sessions import ids, pages
from tests.support.ports import free_port
from tests.support.sessions import place
from tests.support.substation_app import Grid, running
from tests.support.substation_stream import WITHIN_S, Ask

NAMES = ("a", "a-b")  # ids that sort otherwise with what follows them


async def stopped(grid: Grid, substation_id: str, key: str) -> str:
    placed = await grid.link.call(Ask(substation_id, place(key)), WITHIN_S)
    session_id = str(placed.session.session_id)
    await grid.link.call(Ask(substation_id, StopSession(session_id)), WITHIN_S)
    return session_id


async def all_pages(found: SessionPages, query: EndedQuery) -> list[str]:
    """The ids on all pages of a query, as one who reads on sees them."""
    seen, after = list[str](), ""
    while True:
        page = await found.ended(dataclasses.replace(query, after=after))
        assert page["faults"] == []
        seen += ids(page)
        if not (after := page["next"] or ""):
            return seen


@pytest.mark.gen_test
async def test_the_ended_sessions_of_all_are_paged_newest_first(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        grids = {
            name: await stack.enter_async_context(running(tmp_path, substation_id=name)) for name in NAMES
        }
        made = [await stopped(grids[NAMES[n % 3 == 0]], NAMES[n % 3 == 0], f"key-{n}") for n in range(12)]
        found = await stack.enter_async_context(pages({name: grid.port for name, grid in grids.items()}))
        assert await all_pages(found, EndedQuery(limit=5)) == made[::-1]
        of_one = await all_pages(found, EndedQuery(limit=2, substation_id=NAMES[1]))
        assert of_one == [each for each in made[::-1] if each.startswith(f"{NAMES[1]}.")]
        assert await all_pages(found, EndedQuery(search="CAR-KEY-7")) == [made[7]]
        page = await found.ended(EndedQuery())
        starts = [each["started_unix_ms"] for each in page["sessions"]]
        of_range = await all_pages(found, EndedQuery(starts[6], starts[3]))
        assert of_range == [
            each["session_id"]
            for each in page["sessions"]
            if starts[6] <= each["started_unix_ms"] < starts[3]
        ]


@pytest.mark.gen_test
async def test_a_substation_that_does_not_answer_is_named(tmp_path: Path) -> None:
    async with running(tmp_path, substation_id="a") as grid:
        made = await stopped(grid, "a", "key")
        async with pages({"a": grid.port, "lost": free_port()}) as found:
            page = await found.ended(EndedQuery())
    assert ids(page) == [made]
    assert [each["substation_id"] for each in page["faults"]] == ["lost"]


@pytest.mark.gen_test(timeout=120)
async def test_a_search_that_takes_long_ends_at_the_place_that_all_have_reached_and_goes_on_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = 2 * MOST_LOOKED_AT * MOST_PIECES + 10
    async with AsyncExitStack() as stack:
        few = await stack.enter_async_context(running(tmp_path, substation_id="b"))
        older = await stopped(few, "b", "older")  # than all open ones of the other
        fill(tmp_path / "a" / "journal.sqlite", opened=many, ended=3, substation_id="a")
        large = await stack.enter_async_context(running(tmp_path, capacity_kw=1_000_000, substation_id="a"))
        found = await stack.enter_async_context(pages({"a": large.port, "b": few.port}))
        whole = await all_pages(found, EndedQuery())
        assert (whole[0], len(whole)) == (older, 4)
        monkeypatch.setattr(session_pages, "SEARCH_S", -1.0)  # no time for a second question
        slow, page = list[str](), await found.ended(EndedQuery())
        assert page["searched"] is not None
        assert page["sessions"] == []  # one that was not searched yet may be newer than the one of b
        while page["next"]:
            slow += ids(page)
            page = await found.ended(EndedQuery(after=page["next"]))
        assert slow + ids(page) == whole
