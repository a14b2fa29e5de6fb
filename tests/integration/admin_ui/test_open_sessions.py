"""The console's pages of the open sessions of real substations, 100,000 of them together."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from admin_ui.grid.board import Board
from admin_ui.sessions.pages import SessionPages
from admin_ui.sessions.query import PageQuery
from tests.bench.journals import PLANS, fill
from tests.support.ports import free_port
from tests.support.sessions import place
from tests.support.substation_app import running
from tests.unit.admin_ui.grid.test_board import fleet, heard, row

EACH = 50_000
NAMES = ("substation-1", "substation-2")
SHORT = 3


def board(ports: dict[str, int]) -> Board:
    """A board with substations at these ports."""
    made = Board()
    heard(
        made, fleet(*(row(name, url=f"http://127.0.0.1:{port}", sessions=7) for name, port in ports.items()))
    )
    return made


@contextlib.asynccontextmanager
async def pages(ports: dict[str, int], token: Path | None = None) -> AsyncIterator[SessionPages]:
    async with aiohttp.ClientSession() as http:
        yield SessionPages(http, board(ports), token)


def ids(page: dict[str, Any]) -> list[str]:
    return [each["session_id"] for each in page["sessions"]]


@pytest.mark.gen_test(timeout=120)
async def test_100_000_sessions_of_two_substations_are_paged_forth_and_back(tmp_path: Path) -> None:
    for name in NAMES:
        fill(tmp_path / name / "journal.sqlite", opened=EACH, ended=0, substation_id=name)
    async with contextlib.AsyncExitStack() as stack:
        ports = {}
        for name in NAMES:
            grid = await stack.enter_async_context(
                running(tmp_path, capacity_kw=1_000_000, substation_id=name)
            )
            ports[name] = grid.port
        found = await stack.enter_async_context(pages(ports))
        first = await found.page(PageQuery("power"))
        assert (first["matching"], first["charging"], first["first"]) == (2 * EACH, 2 * EACH, 0)
        assert first["previous"] is None
        assert {each["power_kw"] for each in first["sessions"]} == {max(p.power_w for p in PLANS) / 1000}
        second = await found.page(PageQuery("power", after=first["next"]))
        assert (second["first"], len(second["sessions"])) == (50, 50)
        assert not set(ids(first)) & set(ids(second))
        assert ids(first) + ids(second) == sorted(ids(first) + ids(second), reverse=True)
        assert ids(await found.page(PageQuery("power", before=second["previous"]))) == ids(first)
        last = await found.page(PageQuery("power", down=False, limit=100))
        assert {each["power_kw"] for each in last["sessions"]} == {min(p.power_w for p in PLANS) / 1000}
        car = first["sessions"][0]["vehicle_id"]
        at_both = await found.page(PageQuery("vehicle", search=car))
        assert {each["vehicle_id"] for each in at_both["sessions"]} >= {car}
        assert {each["substation_id"] for each in at_both["sessions"]} == set(NAMES)
        at_one = await found.page(PageQuery(substation_id=NAMES[1], limit=5))
        assert (at_one["matching"], at_one["substations"]) == (EACH, 1)


@pytest.mark.gen_test
async def test_a_substation_that_is_not_there_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        await grid.ask(place("a"))
        async with pages({"substation-1": grid.port, "lost": free_port()}) as found:
            page = await found.page(PageQuery())
    assert [each["vehicle_id"] for each in page["sessions"]] == ["car-a"]
    (fault,) = page["faults"]
    assert (fault["substation_id"], fault["sessions"]) == ("lost", 7)
    assert fault["why"].startswith("it does not answer")


@pytest.mark.gen_test
async def test_the_operator_s_token_is_sent_and_without_it_the_substation_s_refusal_is_told(
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o600)
    async with running(tmp_path, OPERATOR_TOKEN_FILE=str(token)) as grid:
        async with pages({"substation-1": grid.port}) as found:
            assert "token" in (await found.page(PageQuery()))["faults"][0]["why"]
        async with pages({"substation-1": grid.port}, token) as found:
            assert (await found.page(PageQuery()))["faults"] == []
        token.write_text(SHORT * "x")
        async with pages({"substation-1": grid.port}, token) as found:
            assert "can't be used" in (await found.page(PageQuery()))["faults"][0]["why"]


@pytest.mark.gen_test
async def test_a_cursor_that_is_none_is_the_substation_s_to_refuse(tmp_path: Path) -> None:
    async with running(tmp_path) as grid, pages({"substation-1": grid.port}) as found:
        (fault,) = (await found.page(PageQuery(after="x")))["faults"]
        assert "after is no cursor" in fault["why"]
