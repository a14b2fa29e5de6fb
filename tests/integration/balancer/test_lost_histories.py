"""Histories that are damaged, or whose substation was given up."""

import logging
import sqlite3
from pathlib import Path

import pytest

from balancer.forecast.history import FILE
from runtime.store import StoreUnusable
from tests.integration.balancer.caller import caller
from tests.integration.balancer.grid import HOST, Grid, Plan, built, running, until
from tests.integration.balancer.test_decommission import given_up
from tests.integration.balancer.test_history_pages import get, import_file, imported, write_file

PAGE = 4096  # bytes, of SQLite
ALL = "/history?substation_id={}&limit=2000"
PUT_ASIDE = "smartgrid_balancer_history_put_aside"


async def rows(grid: Grid, name: str) -> int:
    status, page = await get(grid, ALL.format(name))
    assert status == 200
    return len(page["quarter_hours"])


async def no_rows(grid: Grid, name: str) -> bool:
    return await rows(grid, name) == 0


async def forecasts(grid: Grid, name: str) -> bool:
    return bool((await get(grid, f"/forecast?substation_id={name}"))[1]["base_load_w"])


async def seen(grid: Grid, name: str) -> bool:
    return name in await grid.fleet()


async def put_aside(grid: Grid) -> bool:
    return await grid.metric(PUT_ASIDE) == 1


def garbled(path: Path) -> None:
    """Overwrite pages in the middle."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // PAGE // 2 * PAGE)
        file.write(b"\xa5" * 2 * PAGE)


def replaced(path: Path) -> None:
    """Put something else there."""
    path.write_bytes(b"this is no history, but long enough to be looked at" * 100)


@pytest.mark.parametrize("damage", [garbled, replaced])
@pytest.mark.gen_test
async def test_a_damaged_history_is_put_aside_and_cars_are_placed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: object
) -> None:
    data = imported(tmp_path)
    assert callable(damage)
    damage(data / FILE)
    before = (data / FILE).read_bytes()
    with caplog.at_level(logging.ERROR):
        async with running(data) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as client:
            await client.placed("key")
            assert (await get(grid, "/readyz"))[0] == 200
            assert await rows(grid, "s-1") == 0
            assert await put_aside(grid)
            await grid.stop("balancer")
            await grid.start("balancer")
            assert not await put_aside(grid)
    assert "the history is damaged and was put aside" in caplog.text
    (aside,) = (data / "balancer").glob(f"{FILE.name}-damaged*")
    assert str(aside) in {getattr(record, "path", "") for record in caplog.records}
    assert (aside / FILE.name).read_bytes() == before


@pytest.mark.gen_test
async def test_each_damaged_history_is_kept(tmp_path: Path) -> None:
    async with built(tmp_path, Plan()) as grid:
        for count in range(1, 3):
            (tmp_path / "balancer").mkdir(exist_ok=True)
            replaced(tmp_path / FILE)
            await grid.start("balancer")
            await grid.stop("balancer")
            assert len(list((tmp_path / "balancer").glob(f"{FILE.name}-damaged*"))) == count


@pytest.mark.gen_test
async def test_a_history_of_a_newer_version_is_not_put_aside(tmp_path: Path) -> None:
    (tmp_path / "balancer").mkdir()
    newer = sqlite3.connect(tmp_path / FILE)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    async with built(tmp_path, Plan()) as grid:
        with pytest.raises(StoreUnusable, match="schema 99"):
            await grid.start("balancer")
    assert not list((tmp_path / "balancer").glob(f"{FILE.name}-damaged*"))


@pytest.mark.gen_test
async def test_the_history_of_a_substation_that_is_given_up_is_dropped_once(tmp_path: Path) -> None:
    data = imported(tmp_path)
    write_file(tmp_path / "other.csv", "s-2")
    assert import_file(tmp_path / "other.csv", "--data-dir", data).returncode == 0
    async with running(data) as grid:
        kept = await rows(grid, "s-2")
        assert await rows(grid, "s-1") == kept
        await until(lambda: forecasts(grid, "s-1"))
        await given_up(grid, "s-1")
        await until(lambda: no_rows(grid, "s-1"))
        assert await until(lambda: forecasts(grid, "s-2"))
        assert not await forecasts(grid, "s-1")
        assert await rows(grid, "s-2") == kept
        await grid.stop("balancer")
        # Its successor is handed a history before it comes.
        done = import_file(tmp_path / "load.csv", "--column", "meter_kw=s-1", "--data-dir", data)
        assert done.returncode == 0, done.stderr
        await grid.start("balancer")
        await until(lambda: seen(grid, "s-2"))
        await given_up(grid, "s-2")
        await until(lambda: no_rows(grid, "s-2"))
        assert await rows(grid, "s-1") == kept
