"""Backups of a running substation: whole, soon, and restored by following the page to the letter."""

import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from substation.contract import FindSession, SessionState
from substation.journal import Journal
from substation.plan import Plan
from substation.records import Entry, Record
from tests.support.load import Load
from tests.support.processes import ROOT, serving
from tests.support.sessions import place
from tests.support.substation_app import ID, Grid

PAGE = ROOT / "docs" / "how-to" / "back-up-a-journal.md"
RECORDS = 100_000
SOME = 30


def fill(path: Path, records: int) -> None:
    """Write a journal of ended sessions."""
    now_ms = int(time.time() * 1000)
    journal = Journal(path, ID, now_ms)
    for first in range(0, records, 1000):
        with journal.transaction():
            for number in range(first, first + 1000):
                name = f"{number:016x}"
                entry = Entry(
                    f"{ID}.{name}", f"EV-{name}", Plan(79_200_000, 11_000), 0, now_ms, now_ms, 1, now_ms
                )
                journal.write(Record(f"anonymous:{name}{name}", 0, SessionState.STOPPED, entry), now_ms)
    journal.close()


def kept(copy: Path, sessions: list[str]) -> list[SessionState]:
    journal = Journal(copy, ID, 0)
    found = [journal.by_session(session_id) for session_id in sessions]
    journal.close()
    return [record.state for record in found if record]


@pytest.mark.gen_test
async def test_a_backup_under_load_holds_every_session_that_was_answered_before(tmp_path: Path) -> None:
    async with serving(tmp_path, SUBSTATION_ID=ID) as (process, grid):
        load = Load(grid)
        copies: list[tuple[Path, list[str]]] = []
        for more in range(1, 4):
            await load.reaches(SOME * more)
            before = list(load.placed.values())
            status, document = await grid.post("/backup")
            assert status == 201
            copies.append((Path(document["path"]), before))
        await process.kill()
        await load.ends()
    for copy, before in copies:
        assert kept(copy, before) == [SessionState.CHARGING] * len(before)
        assert not list(copy.parent.glob("unfinished*"))


@pytest.mark.gen_test
async def test_the_longest_wait_for_a_journal_of_100_000_records(tmp_path: Path) -> None:
    fill(tmp_path / ID / "journal.sqlite", RECORDS)
    async with serving(tmp_path, SUBSTATION_ID=ID) as (process, grid):
        load = Load(grid)
        await load.reaches(SOME)
        load.longest_s = 0.0
        polled: list[float] = []
        polling = asyncio.create_task(poll(grid, polled))
        began_s = time.monotonic()
        status, document = await grid.post("/backup")
        took_s = time.monotonic() - began_s
        await load.reaches(len(load.placed) + SOME)
        polling.cancel()
        longest_poll_s = max(polled)
        await process.kill()
        await load.ends()
    assert (status, list(document)) == (201, ["path"])
    sys.stdout.write(
        f"\n{RECORDS:,} records: the longest wait of a placement {load.longest_s * 1000:.0f} ms, of /metrics"
        f" {longest_poll_s * 1000:.0f} ms; from the call to the answer {took_s * 1000:.0f} ms\n"
    )
    assert load.longest_s < 4  # a placement's deadline is 5 s
    assert longest_poll_s < 0.8  # the timeout of a poll


async def poll(grid: Grid, polled: list[float]) -> None:
    """Scrape without a pause, and note how long it took."""
    while True:
        began_s = time.monotonic()
        await grid.value("smartgrid_substation_load_watts")
        polled.append(time.monotonic() - began_s)


def command(number: int, port: int, data: Path) -> Any:
    """Run one of the page's commands as it stands, but for the port and the folder; returns its output."""
    line = re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[
        number
    ]
    line = line.replace("http://127.0.0.1:8101/", f"http://127.0.0.1:{port}/").replace("data/", f"{data}/")
    ended = subprocess.run(["sh", "-ec", line], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.gen_test
async def test_the_page_on_backups_can_be_followed_to_the_letter(tmp_path: Path) -> None:
    async with serving(tmp_path, SUBSTATION_ID=ID) as (process, grid):
        before = (await grid.ask(place("before"))).session.session_id
        for _ in range(2):
            answered = json.loads(await asyncio.to_thread(command, 0, process.port, tmp_path))
        assert answered.keys() == {"path"}
        assert Path(answered["path"]).parent == tmp_path / ID / "backups"
        after = (await grid.ask(place("after"))).session.session_id
        await process.kill()  # worse than Ctrl-C: a -wal is left
    assert (tmp_path / ID / "journal.sqlite-wal").exists()
    (tmp_path / ID / "journal.sqlite").write_bytes(b"damaged")
    await asyncio.to_thread(command, 1, 0, tmp_path)
    await asyncio.to_thread(command, 2, 0, tmp_path)
    async with serving(tmp_path, SUBSTATION_ID=ID) as (process, grid):
        listed = json.loads(await asyncio.to_thread(command, 3, process.port, tmp_path))
        assert [session["session_id"] for session in listed["sessions"]] == [before]
        assert listed["sessions"][0]["state"] == "charging"
        assert (await grid.ask(FindSession(after))).outcome == "not_found"  # as the page says
        assert await grid.value("smartgrid_substation_load_watts") == 11_000
    assert {path.name for path in (tmp_path / ID / "aside").iterdir()} >= {
        "journal.sqlite",
        "journal.sqlite-wal",
    }


def test_the_page_has_the_commands_that_are_followed_here() -> None:
    assert len(re.findall(r"^ *```sh$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == 4
