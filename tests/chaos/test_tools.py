"""The faults themselves: each must really happen, or nothing that survives them has survived anything."""

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.support.duplicated_load import Request
from tests.support.fault_shim import Disk, FaultShim, Point, built
from tests.support.faulty_link import FaultyLink, Trouble
from tests.support.histories import held_against
from tests.support.ports import free_port

HOST = "127.0.0.1"
HUNG_S = 30.0
COMMITS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL"); database.execute("PRAGMA synchronous=FULL")
database.execute("CREATE TABLE IF NOT EXISTS one (number)")
print("ready", flush=True)
for line in sys.stdin:
    database.execute("INSERT INTO one VALUES (1)")
    print("committed", flush=True)
"""
TIME = "import time; print(int(time.time()), int(time.clock_gettime(time.CLOCK_MONOTONIC)))"


class Server:
    """Keeps what it is sent, and answers every piece with as many bytes."""

    def __init__(self) -> None:
        self.got = b""
        self.port = free_port()
        self._served: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._served.append(task)
        with contextlib.suppress(OSError):
            while data := await reader.read(1000):
                self.got += data
                writer.write(data.upper())
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self.serve, HOST, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._served)


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that is closed for good in the end."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def linked() -> AsyncIterator[tuple[FaultyLink, Server, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A link to a server, and a connection through it that has passed something on."""
    async with (
        asyncio.timeout(HUNG_S),
        Server() as server,
        FaultyLink((HOST, free_port()), (HOST, server.port)) as link,
        connected(link.listen[1]) as (reader, writer),
    ):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        yield link, server, reader, writer


async def all_had_their_time() -> None:
    """Pass something on beside the link: what would have passed over it has had its time then."""
    async with Server() as other:
        for _ in range(3):
            async with connected(other.port) as (reader, writer):
                writer.write(b"x")
                assert await reader.readexactly(1) == b"X"


@pytest.mark.gen_test
async def test_a_link_holds_requests_back_and_passes_them_on_when_it_is_mended() -> None:
    async with linked() as (link, server, reader, writer):
        link.begin(Trouble(hold_up=True))
        writer.write(b" you")
        await all_had_their_time()
        assert server.got == b"hello"
        link.end()
        assert await reader.readexactly(4) == b" YOU"


@pytest.mark.gen_test
async def test_a_link_holds_answers_back_while_requests_arrive() -> None:
    async with linked() as (link, server, reader, writer):
        link.begin(Trouble(hold_down=True))
        writer.write(b" you")
        while server.got != b"hello you":
            await asyncio.sleep(0.005)
        answer = asyncio.create_task(reader.readexactly(4))
        await all_had_their_time()
        assert not answer.done()
        link.end()
        assert await answer == b" YOU"


@pytest.mark.gen_test
async def test_a_link_that_is_cut_in_a_message_passes_on_its_beginning() -> None:
    async with linked() as (link, server, reader, writer):
        link.begin(Trouble(cut_after=3))
        writer.write(b" you there")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        while server.got != b"hello yo":
            await asyncio.sleep(0.005)


@pytest.mark.gen_test
async def test_a_link_that_refuses_resets_what_there_is_and_what_comes() -> None:
    async with linked() as (link, _, reader, _writer):
        link.begin(Trouble(cut_after=0, refuse=True))
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        async with connected(link.listen[1]) as (later, _sent):
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await later.readexactly(1)
        link.end()
        async with connected(link.listen[1]) as (later, sent):
            sent.write(b"x")
            assert await later.readexactly(1) == b"X"


@pytest.mark.gen_test
async def test_a_drip_passes_on_every_byte_and_few_at_a_time() -> None:
    async with linked() as (link, _, reader, writer):
        link.begin(Trouble(drip=500))
        writer.write(b"z" * 100)
        pieces = [await reader.read(1000)]
        while sum(map(len, pieces)) < 100:
            pieces.append(await reader.read(1000))
        assert b"".join(pieces) == b"Z" * 100
        assert len(pieces) > 1


@pytest.mark.gen_test
async def test_a_slow_link_passes_on_everything_later() -> None:
    async with linked() as (link, server, reader, writer):
        link.begin(Trouble(latency_s=HUNG_S * 2))
        writer.write(b" you")
        await all_had_their_time()
        assert server.got == b"hello"
        link.end()
        assert await reader.readexactly(4) == b" YOU"


class Process:
    """A process under the shim that commits once for each line that it is sent."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.file = folder / "test.sqlite"
        self.shim = FaultShim(folder / "faults", library)
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMITS, self.file],
            env=self.shim.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.said() == "ready"

    def said(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def commit(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def committed(self) -> int:
        """How many commits are in the file, as another process finds it."""
        with contextlib.closing(sqlite3.connect(self.file)) as database:
            return int(database.execute("SELECT count(*) FROM one").fetchone()[0])


@pytest.fixture
def process(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    started = Process(tmp_path, built(tmp_path_factory.getbasetemp()))
    yield started
    started.process.kill()
    started.process.communicate()


@pytest.mark.parametrize(
    ("point", "told"),
    [(Point.BEFORE_WRITE, 1), (Point.BEFORE_SYNC, 2), (Point.AFTER_SYNC, 2)],
)
def test_a_process_is_killed_at_its_second_commit(process: Process, point: Point, told: int) -> None:
    """A commit is two writes, its frame's head and its page, and one sync."""
    process.shim.signal_at(point, signal.SIGKILL, 3 if point is Point.BEFORE_WRITE else 2)
    process.commit()
    assert process.said() == "committed"
    process.commit()
    assert process.said() == ""
    assert process.process.wait(HUNG_S) == -signal.SIGKILL
    assert process.committed() == told


def test_a_process_is_stopped_at_a_point_and_goes_on(process: Process) -> None:
    process.shim.signal_at(Point.BEFORE_SYNC, signal.SIGSTOP, 1)
    process.commit()
    stat = Path(f"/proc/{process.process.pid}/stat")
    end_s = time.monotonic() + HUNG_S
    while stat.read_text().rpartition(") ")[2][0] != "T":
        assert time.monotonic() < end_s
        time.sleep(0.005)
    process.process.send_signal(signal.SIGCONT)
    assert process.said() == "committed"


@pytest.mark.parametrize("disk", [Disk.EIO, Disk.ENOSPC, Disk.EDQUOT])
def test_a_disk_fails_a_commit(process: Process, disk: Disk) -> None:
    process.shim.disk(disk)
    process.commit()
    assert process.said() == ""
    assert process.process.wait(HUNG_S) == 1


def test_a_clock_moves_and_the_monotonic_one_does_not(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shim = FaultShim(tmp_path / "faults", built(tmp_path_factory.getbasetemp()))

    def clocks(by_s: float) -> tuple[int, int]:
        shim.clock(by_s)
        run = subprocess.run(
            [sys.executable, "-c", TIME], env=shim.environ, capture_output=True, text=True, check=True
        )
        wall, monotonic = map(int, run.stdout.split())
        return wall, monotonic

    (before, _), (moved, steady) = clocks(0), clocks(-86_400.5)
    assert before - 86_402 <= moved < before - 86_400 + HUNG_S
    assert steady <= time.monotonic()


def row(vehicle: str, session: str, start_ms: int = 0) -> sqlite3.Row:
    """A session of 11 kW for an hour of grid time."""
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    columns = "? session_id, ? vehicle_id, 39600000 energy_j, 11000 power_w, 0 stay_ms, 0 taper, ? start_ms, -1 ended_ms"
    found: sqlite3.Row = database.execute(f"SELECT {columns}", (session, vehicle, start_ms)).fetchone()
    database.close()
    return found


def test_a_judge_sees_what_is_lost_doubled_and_above_capacity() -> None:
    told = [
        Request(key, 0.0, [1.0], {session}) for key, session in (("a", "s.1"), ("b", "s.2"), ("c", "s.3"))
    ]
    unknown = Request("d", 0.0)
    fine = {"s": [row("a", "s.1"), row("b", "s.2"), row("c", "s.3"), row("d", "s.4")], "t": []}
    good = held_against(fine, [*told, unknown], 44_000)
    assert (good["keys"], good["accepted"], good["sessions"]) == (4, 3, 4)
    assert (good["lost"], good["doubled"], good["above capacity, W"]) == (0, 0, 0)
    assert held_against(fine, told, 43_000)["above capacity, W"] == 1000
    assert held_against(fine | {"s": fine["s"][1:]}, told, 44_000)["lost"] == 1
    assert held_against(fine | {"s": [row("b", "s.1"), *fine["s"][1:]]}, told, 44_000)["lost"] == 1
    assert held_against(fine | {"t": [row("a", "t.1")]}, told, 44_000)["doubled"] == 1
    assert held_against(fine, [*told, Request("e", 0.0, [1.0], {"s.1", "s.2"})], 44_000)["doubled"] == 1
