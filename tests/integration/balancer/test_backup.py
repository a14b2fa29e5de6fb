"""`POST /backup` of a running balancer: copies of the order book and the history, and their restoration."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from balancer.forecast.history import FILE, HistoryUnavailable
from balancer.operating.backups import Backups
from runtime.backup import BackupFailed
from runtime.operator_token import OperatorToken
from tests.integration.balancer.caller import caller
from tests.integration.balancer.grid import HOST, Grid, Plan, built, running
from tests.integration.balancer.operator import call
from tests.integration.balancer.test_history_pages import get, imported

BOOK = Path("balancer") / "orders.sqlite"
OLDEST = "/history?substation_id=s-1&limit=2000"


async def backed_up(grid: Grid) -> dict[str, Path]:
    reply = await call(grid, "POST", "/backup")
    assert reply.status == 201, reply
    return {name: Path(path) for name, path in reply.json.items()}


def restored(data: Path, copies: dict[str, Path]) -> None:
    """As docs/how-to/back-up-the-balancer.md says."""
    for file, copy in ((BOOK, copies["orders"]), (FILE, copies["history"])):
        aside = data / "balancer" / "aside"
        aside.mkdir(exist_ok=True)
        for path in (data / "balancer").glob(f"{file.name}*"):
            path.rename(aside / path.name)
        shutil.copy(copy, data / file)


@pytest.mark.gen_test
async def test_a_key_and_a_history_of_before_the_backup_are_there_after_the_restore(tmp_path: Path) -> None:
    data = imported(tmp_path)
    async with (
        running(data) as grid,
        caller(f"{HOST}:{grid.balancer_stream_port}") as client,
    ):
        before = (await client.placed("key", vehicle_id="car")).session_id
        history = await get(grid, OLDEST)
        assert history[1]["quarter_hours"]
        copies = await backed_up(grid)
        await grid.stop("balancer")
        for file in (BOOK, FILE):
            (data / file).write_bytes(b"lost")
        restored(data, copies)
        await grid.start("balancer")
        assert (await client.placed("key", vehicle_id="car")).session_id == before
        assert await get(grid, OLDEST) == history
        assert [session["session_id"] for session in await grid.sessions()] == [before]


@pytest.mark.gen_test
async def test_the_newest_copies_of_each_file_are_kept_and_nobody_else_reads_them(tmp_path: Path) -> None:
    async with built(tmp_path, Plan(most_backups=2)) as grid:
        await grid.start("balancer")
        made = [await backed_up(grid) for _ in range(4)]
    folder = tmp_path / "balancer" / "backups"
    kept = {path for copies in made[-2:] for path in copies.values()}
    assert set(folder.iterdir()) == kept
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.gen_test
async def test_a_backup_needs_the_operators_token(tmp_path: Path) -> None:
    token = OperatorToken("t" * 32)
    (tmp_path / "token").write_text("t" * 32)
    async with built(tmp_path, Plan(token_file=tmp_path / "token")) as grid:
        await grid.start("balancer")
        assert (await call(grid, "POST", "/backup")).status == 401
        assert not (tmp_path / "balancer" / "backups").exists()
        assert (await call(grid, "POST", "/backup", headers=token.headers())).status == 201
        assert (await call(grid, "GET", "/backup")).status == 405


@pytest.mark.gen_test
async def test_one_backup_of_the_balancer_at_a_time(tmp_path: Path) -> None:
    async with built(tmp_path, Plan()) as grid:
        await grid.start("balancer")
        replies = await asyncio.gather(*(call(grid, "POST", "/backup") for _ in range(6)))
        assert {reply.status for reply in replies} == {201, 503}
        refused = [reply.json["detail"] for reply in replies if reply.status == 503]
        assert set(refused) == {"another backup is being written"}


@pytest.mark.gen_test
async def test_a_copy_that_can_t_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as client:
        folder = tmp_path / "balancer" / "backups"
        folder.touch()  # a file where the folder should be
        reply = await call(grid, "POST", "/backup")
        assert (reply.status, reply.code) == (503, "unavailable")
        assert reply.json["detail"].startswith("orders: the copy can't be written")
        await client.placed("key")
        folder.unlink()
        assert (await backed_up(grid)).keys() == {"orders", "history"}
        assert not list(folder.glob("unfinished*"))


class Unreadable:
    """A history that has stopped."""

    async def copy(self, _path: Path) -> Any:
        raise HistoryUnavailable("the balancer is stopping")


@pytest.mark.gen_test
async def test_a_file_that_has_stopped_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="history: the balancer is stopping"):
        await Backups(tmp_path, {"history": Unreadable()}, 1).make()
