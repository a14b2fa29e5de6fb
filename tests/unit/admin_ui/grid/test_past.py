"""The past of the charts is on the disk: it survives restarts and damage, is bounded, and no gap is filled."""

import time
from pathlib import Path

import pytest

from admin_ui.grid.board import Board
from admin_ui.grid.means import FLEET, Figures, Mean
from admin_ui.grid.past import LONGEST_S, MOST_POINTS, MOST_RESTORED, past_of
from admin_ui.grid.past_store import FILE, KEPT_S, PastStore
from balancer.contract import FLEET as TABLE
from tests.unit.admin_ui.grid.test_board import fleet, heard, row


def mean(name: str, at_s: int, load_kw: float = 100.0, seconds: int = 10) -> Mean:
    return Mean(name, at_s, Figures(load_kw, 20.0, 1400.0, 3.0, 1400.0), seconds)


@pytest.mark.gen_test
async def test_what_was_sampled_is_there_after_a_restart_and_the_board_gets_it_back(tmp_path: Path) -> None:
    begin_s = int(time.time()) // 10 * 10 - 600
    board = Board()
    async with past_of(tmp_path, board) as past:
        for second in range(25):
            heard(board, fleet(row("s-1", 100.0), row("s-2", 50.0, draining=True)), float(second))
            past.sample(begin_s + second, float(second))
    again = Board()
    async with past_of(tmp_path, again) as past:
        columns = await past.columns(3600, ["s-1", "unknown"])
    known = [load_kw for load_kw in columns["substations"]["s-1"]["load_kw"] if load_kw is not None]
    assert (columns["step_s"], known) == (10, [100.0, 100.0, 100.0])
    assert len(columns["fleet"]["load_kw"]) == columns["seconds"] // 10
    assert set(columns["substations"]["unknown"]["load_kw"]) == {None}
    again.sample(begin_s + 30, 0.0)
    history = again.history(30, ["s-2"])
    assert history[TABLE.rows]["s-2"]["load_kw"] == [50.0] * 24 + [None] * 6
    assert history["fleet"]["load_kw"][:24] == [100.0] * 24, "what takes no cars is not in the fleet's sums"
    assert history["fleet"]["load_kw"][-1] is None


@pytest.mark.gen_test
async def test_old_means_are_dropped_for_every_name_also_of_those_that_are_gone(tmp_path: Path) -> None:
    now_s = int(time.time()) // 10 * 10
    store = PastStore(tmp_path)
    await store.add(10, [mean("gone", now_s - KEPT_S[10] - 10), mean("s-1", now_s - KEPT_S[10] - 10)])
    await store.add(10, [mean("s-1", now_s)])
    assert await store.names(10) == ["s-1"]
    rows = await store.read("s-1", 10, 0, now_s + 10, 10)
    assert [row["at_s"] for row in rows] == [now_s]
    await store.close()


@pytest.mark.gen_test
async def test_seven_days_come_as_no_more_points_than_a_screen_has(tmp_path: Path) -> None:
    now_s = int(time.time()) // 60 * 60
    store = PastStore(tmp_path)
    await store.add(
        60, [mean(FLEET, now_s - 60 * n, float(n % 7), seconds=60) for n in range(1, LONGEST_S // 60)]
    )
    await store.close()
    async with past_of(tmp_path, Board()) as past:
        columns = await past.columns(LONGEST_S, [])
        loads = columns["fleet"]["load_kw"]
        assert len(loads) <= MOST_POINTS
        assert columns["step_s"] % 60 == 0
        assert loads[len(loads) // 2] == 3.0, "seven minutes with 0 to 6 kW"
        part = await past.columns(3600, [], until_s=now_s - 86_400)
        assert (part["step_s"], part["until_unix_s"]) == (60, now_s - 86_400)
        assert all(load_kw is not None for load_kw in part["fleet"]["load_kw"])


@pytest.mark.gen_test
async def test_a_damaged_file_is_put_aside_and_another_begins(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database, and never was one" * 100)
    async with past_of(tmp_path, Board()) as past:
        assert set((await past.columns(3600, []))["fleet"]["load_kw"]) == {None}
    (aside,) = path.parent.glob("past.sqlite-damaged-*")
    assert (aside / "past.sqlite").read_bytes().startswith(b"this is no database")


@pytest.mark.gen_test
async def test_what_the_disk_does_not_take_is_a_gap_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    board = Board()
    async with past_of(tmp_path, board) as past:
        past._store._file.store.run("PRAGMA max_page_count = 1")  # SQLite keeps to what the file has
        begin_s = int(time.time()) // 10 * 10 - 600
        for second in (0, 10):
            heard(board, fleet(*(row(f"s-{n}") for n in range(200))), float(second))
            past.sample(begin_s + second, float(second))
        await past.close()
        assert "the past of the charts can't be written" in caplog.text
        assert set((await past.columns(900, ["s-1"]))["substations"]["s-1"]["load_kw"]) == {None}


@pytest.mark.gen_test
async def test_a_stop_writes_the_open_windows_and_a_restart_in_one_of_them_adds_to_it(tmp_path: Path) -> None:
    begin_s = int(time.time()) // 60 * 60 - 600
    for first, count, load_kw in ((0, 15, 100.0), (15, 5, 200.0)):
        board = Board()
        async with past_of(tmp_path, board) as past:
            for second in range(first, first + count):
                heard(board, fleet(row("s-1", load_kw)), float(second))
                past.sample(begin_s + second, float(second))
    store = PastStore(tmp_path)
    fine = await store.read("s-1", 10, begin_s, begin_s + 60, 10)
    coarse = await store.read(FLEET, 60, begin_s, begin_s + 60, 60)
    await store.close()
    assert [(each["at_s"] - begin_s, each["load_kw"]) for each in fine] == [(0, 100.0), (10, 150.0)]
    assert [each["load_kw"] for each in coarse] == [125.0]


@pytest.mark.gen_test
async def test_a_restart_takes_back_those_that_lived_last_however_many_died(tmp_path: Path) -> None:
    now_s = int(time.time()) // 10 * 10
    store = PastStore(tmp_path)
    dead = [mean(f"a-{number:03}", now_s - 600) for number in range(MOST_RESTORED + 5)]
    await store.add(10, [*dead, mean("long-dead", now_s - 2000)])
    await store.add(10, [mean("z-living", now_s - 20), mean(FLEET, now_s - 20)])
    await store.close()
    board = Board()
    async with past_of(tmp_path, board):
        board.sample(now_s, 0.0)
    history = board.history(60, ["z-living", "long-dead"])
    assert history["substations"]["z-living"]["load_kw"][-15:-11] == [100.0] * 4
    assert 100.0 in history["fleet"]["load_kw"]
    assert len(board.histories) == MOST_RESTORED - 1
    assert "long-dead" not in board.histories


@pytest.mark.gen_test
async def test_means_of_a_console_that_knew_no_rated_limit_count_as_usable(tmp_path: Path) -> None:
    now_s = int(time.time()) // 10 * 10
    store = PastStore(tmp_path)
    await store.add(10, [Mean(FLEET, now_s - 60, Figures(100.0, 0.0, 1400.0, 3.0, 0.0), 10)])
    await store.add(10, [Mean(FLEET, now_s - 50, Figures(100.0, 0.0, 1400.0, 3.0, 4200.0), 10)])
    rows = await store.read(FLEET, 10, now_s - 60, now_s, 10)
    await store.close()
    assert [each["rated_kw"] for each in rows] == [1400.0, 4200.0]
