"""The parts of the simulation do what they promise: else what they let through would prove nothing."""

import asyncio
import random
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from runtime.store import Store
from tests.simulation.disk import Disk
from tests.simulation.loop import SimulatedLoop, Stuck
from tests.simulation.network import Network
from tests.simulation.process import Host, Process
from tests.simulation.record import Record, read, write
from tests.simulation.run import run
from tests.simulation.shrink import fewest

SCHEMA = ("CREATE TABLE t (n INTEGER PRIMARY KEY, content TEXT)",)


class Sink(asyncio.Protocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.received = b""
        self.lost = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


class Two:
    """Two hosts, and a connection from `a` to `b`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.loop = SimulatedLoop()
        self.network = self.loop.network = Network(self.loop, random.Random(seed), self)  # type: ignore[arg-type]
        self.processes = {
            name: Process(
                Host(name, self.loop, Disk(folder / name, random.Random(seed)), random.Random(seed))
            )
            for name in ("a", "b")
        }
        self.there = Sink()
        self.here = Sink()

    async def connected(self) -> None:
        b, a = self.processes["b"], self.processes["a"]
        await b.run(self._listen())
        await a.run(self.loop.create_connection(lambda: self.here, "b", 1))

    async def _listen(self) -> None:
        self.network.listen(lambda: self.there, "b", 1)

    def play(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            self.loop.run_until_complete(story)
        finally:
            self.loop.set_exception_handler(lambda *_: None)  # of tasks that were killed
            self.loop.close()


@pytest.mark.parametrize("seed", range(5))
def test_bytes_come_in_order_however_they_are_cut_and_delayed(tmp_path: Path, seed: int) -> None:
    two = Two(tmp_path, seed)
    two.network.conditions.pieces, two.network.conditions.late = 0.7, 0.2
    sent = bytes(range(256)) * 4

    async def story() -> None:
        await two.connected()
        for begin in range(0, len(sent), 64):
            two.here.transport.write(sent[begin : begin + 64])
            if begin == 256:
                two.network.conditions.cut["a", "b"] = 1
            await asyncio.sleep(0.03)
        assert len(two.there.received) < len(sent)
        two.network.conditions.cut.clear()
        await asyncio.sleep(120)
        assert two.there.received == sent

    two.play(story())


def test_a_connection_breaks_at_any_byte_and_both_ends_learn_of_it(tmp_path: Path) -> None:
    came = set()
    for seed in range(60):
        two = Two(tmp_path / str(seed), seed)

        async def story(two: Two = two) -> None:
            await two.connected()
            two.here.transport.write(b"0123456789")
            two.network.cut(two.here.transport)
            await asyncio.sleep(10)
            assert two.here.lost
            assert two.there.lost
            assert b"0123456789".startswith(two.there.received)
            came.add(len(two.there.received))

        two.play(story())
    assert came == set(range(11))


def test_a_process_that_is_stopped_does_later_what_was_due_and_one_that_was_killed_never(
    tmp_path: Path,
) -> None:
    two = Two(tmp_path, 0)
    woken: dict[str, float] = {}

    async def sleeper(name: str) -> None:
        try:
            await asyncio.sleep(1)
        finally:
            woken[name] = two.loop.now_s - 1000

    async def story() -> None:
        for name, process in two.processes.items():
            process.run(sleeper(name))
        await asyncio.sleep(0.5)
        two.processes["a"].stop()
        two.processes["b"].kill()
        await asyncio.sleep(2)
        assert not woken
        two.processes["a"].go_on()
        await asyncio.sleep(0.1)
        assert woken == {"a": pytest.approx(2.5)}

    two.play(story())


def test_a_loop_that_would_wait_for_ever_says_so() -> None:
    loop = SimulatedLoop()
    with pytest.raises(Stuck):
        loop.run_until_complete(asyncio.Event().wait())
    loop.close()


def test_of_a_commit_that_is_torn_all_is_there_or_nothing_and_all_before_it(tmp_path: Path) -> None:
    kept = []
    for seed in range(40):
        disk = Disk(tmp_path / str(seed), random.Random(seed))
        store = Store(disk.folder / "t.sqlite", SCHEMA)
        disk.tear_next(3)
        for number in range(3):
            torn = disk.takes_part()
            with store.transaction():
                for row in range(4):
                    store.run("INSERT INTO t VALUES (?, ?)", (10 * number + row, "x" * 3000))
        assert torn
        disk.tear()
        disk.died()
        store.close()
        found = sqlite3.connect(disk.folder / "t.sqlite")
        numbers = [row[0] for row in found.execute("SELECT n FROM t ORDER BY n")]
        found.close()
        assert numbers in ([0, 1, 2, 3, 10, 11, 12, 13], [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23])
        kept.append(len(numbers))
    assert set(kept) == {8, 12}


def test_the_fewest_items_that_fail_are_found() -> None:
    assert fewest(list(range(20)), lambda some: {3, 17} <= set(some)) == [3, 17]
    assert fewest(list(range(20)), lambda _: True) == []
    assert fewest([1], lambda some: 1 in some) == [1]


def test_a_run_that_was_ended_goes_on_with_the_next_seed(tmp_path: Path) -> None:
    path = tmp_path / "data" / "record.json"
    record = read(path, 1)
    assert record == Record(1, 1)
    record.add(run(1), 0.1)
    write(path, record)
    assert read(path, 1) == record
    assert (record.next, record.seeds, record.failed) == (2, 1, [])
    assert read(path, 50) == Record(50, 50)
