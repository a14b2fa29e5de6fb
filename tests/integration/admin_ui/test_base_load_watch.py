"""The console asks substations with a base load whether their meter is silent, and for their time of day."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from admin_ui.grid.base_load_watch import BaseLoadWatch, source_of
from admin_ui.grid.board import Board
from admin_ui.grid.view import BaseLoadSource, GridView
from balancer.contract import FLEET
from tests.support.grid import LIMIT_S
from tests.support.substation_app import running

METER: dict[str, Any] = {
    "BASE_LOAD": "meter",
    "BASE_LOAD_METER_S": "0.1",
    "BASE_LOAD_KW": "40",
    "DAY_STARTS_AT": "17:59",
}


def report(board: Board, urls: Mapping[str, str], base_load_kw: float = 40.0) -> None:
    """Let the board see substations at these addresses."""
    rows = [
        {
            "substation_id": name,
            "url": url,
            "state": "healthy",
            "draining": False,
            "capacity_kw": 100.0,
            "load_kw": 0.0,
            "base_load_kw": base_load_kw,
            "headroom_kw": 100.0 - base_load_kw,
            "utilization": base_load_kw / 100.0,
            "sessions": 0,
            "report_age_s": 0.0,
        }
        for name, url in urls.items()
    ]
    board.connect()
    fleet = {"policy": "random", FLEET.rows: rows, "unseen": []}
    board.apply({"seq": 1, "kind": "snapshot", FLEET.whole: fleet}, time.monotonic())


async def comes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def followed(grid: GridView) -> AsyncIterator[None]:
    async with aiohttp.ClientSession() as client:
        following = asyncio.create_task(BaseLoadWatch(client, grid.board, grid.base_load_sources).follow())
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following


def test_what_a_substation_says_is_in_its_row_until_it_carries_no_base_load(tmp_path: Path) -> None:
    async def watched() -> None:
        grid = GridView()
        async with running(tmp_path, **METER) as substation:
            urls = {"substation-1": f"http://127.0.0.1:{substation.port}"}
            report(grid.board, urls)
            async with followed(grid):
                await comes(lambda: "substation-1" in grid.base_load_sources)
                (row,) = grid.shown(time.monotonic())[FLEET.rows]
                assert row["base_load_stale"] is True  # no reading has come
                assert row["base_load_basis"] == "last_known"
                assert row["grid_time"] in {"Monday 17:59", "Monday 18:00"}
                report(grid.board, urls, base_load_kw=0.0)
                await comes(lambda: not grid.base_load_sources)
                (row,) = grid.shown(time.monotonic())[FLEET.rows]
                assert row.keys().isdisjoint({"base_load_stale", "base_load_basis", "grid_time"})

    asyncio.run(watched())


def test_a_substation_that_does_not_answer_is_not_known_and_hides_no_other(tmp_path: Path) -> None:
    async def watched() -> None:
        grid = GridView()
        grid.base_load_sources["s-lost"] = BaseLoadSource(
            stale=False, grid_time="Monday 06:00", basis="source"
        )
        async with running(tmp_path, **METER) as substation:
            url = f"http://127.0.0.1:{substation.port}"
            report(grid.board, {"s-lost": "http://127.0.0.1:1", "substation-1": url})
            async with followed(grid):
                await comes(lambda: grid.base_load_sources.keys() == {"substation-1"})

    asyncio.run(watched())


@pytest.mark.parametrize(
    "answer", [{}, {"stale": 1, "grid_time": "Monday 06:00"}, {"stale": True, "grid_time": None}, []]
)
def test_any_other_answer_is_refused(answer: Any) -> None:
    with pytest.raises((LookupError, TypeError)):
        source_of(answer)
