"""The faults: each begins, lasts, and ends, on a grid of real processes."""

import asyncio
import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol

from tests.chaos.grid import FaultyGrid, reaches
from tests.support.fault_shim import Disk, Point
from tests.support.faulty_link import Trouble

OUTSIDE = "NETWORK_OUTSIDE"  # the network that a process in one of its own has left
HIT_S = 1.0  # for a failpoint to be reached; then the process is signalled wherever it is


class Fault(Protocol):
    """One fault. `may_end` is the process that it ends, or that may end by itself because of it."""

    @property
    def family(self) -> str:
        """What it counts as."""

    @property
    def may_end(self) -> str:
        """The name of a process, or ""."""

    async def begin(self, grid: FaultyGrid) -> bool | None:
        """Let it happen; returns whether a failpoint was reached, where there is one."""

    async def end(self, grid: FaultyGrid) -> None:
        """Let it be over; a process that was killed is started again."""


@dataclasses.dataclass(frozen=True)
class Killed:
    """A process is killed at the `calls`-th call of a failpoint, or a second later wherever it is."""

    process: str
    point: Point
    calls: int

    @property
    def family(self) -> str:
        return f"kill {kind(self.process)} {_words(self.point)}"

    @property
    def may_end(self) -> str:
        return self.process

    async def begin(self, grid: FaultyGrid) -> bool:
        grid.shims[self.process].signal_at(self.point, signal.SIGKILL, self.calls)
        return await reaches(grid, self.process, "ZX", HIT_S)

    async def end(self, grid: FaultyGrid) -> None:
        await asyncio.to_thread(grid.again, self.process)


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A process is stopped at a failpoint, and goes on when the fault ends."""

    process: str
    point: Point
    calls: int
    may_end: ClassVar[str] = ""

    @property
    def family(self) -> str:
        return f"stop {kind(self.process)} {_words(self.point)}"

    async def begin(self, grid: FaultyGrid) -> bool:
        grid.shims[self.process].signal_at(self.point, signal.SIGSTOP, self.calls)
        reached = await reaches(grid, self.process, "T", HIT_S)
        if not reached:
            grid.freeze(self.process)
        return reached

    async def end(self, grid: FaultyGrid) -> None:
        grid.shims[self.process].disarm()
        grid.thaw(self.process)


@dataclasses.dataclass(frozen=True)
class Link:
    """A link misbehaves."""

    link: str
    trouble: Trouble
    how: str
    may_end: ClassVar[str] = ""

    @property
    def family(self) -> str:
        return f"link {' '.join(kind(word) for word in self.link.split())}: {self.how}"

    async def begin(self, grid: FaultyGrid) -> None:
        grid.links[self.link].begin(self.trouble)

    async def end(self, grid: FaultyGrid) -> None:
        grid.links[self.link].end()


@dataclasses.dataclass(frozen=True)
class BadDisk:
    """A disk is full, over its quota, stalls, or fails to sync: then its process ends by itself."""

    process: str
    disk: Disk

    @property
    def family(self) -> str:
        return f"disk of {kind(self.process)}: {self.disk.name}"

    @property
    def may_end(self) -> str:
        return self.process if self.disk is Disk.EIO else ""

    async def begin(self, grid: FaultyGrid) -> None:
        grid.shims[self.process].disk(self.disk)
        if self.may_end:
            await reaches(grid, self.process, "ZX", HIT_S)

    async def end(self, grid: FaultyGrid) -> None:
        grid.shims[self.process].disk(Disk.WORKS)
        if self.may_end:  # it has ended, or is about to, or has seen no fault: it is started anew in any case
            await asyncio.to_thread(grid.again, self.process)


@dataclasses.dataclass(frozen=True)
class WrongDisk:
    """A substation is killed, and started on the disk of another one: it must refuse, and serve on its own again."""

    process: str
    other: str

    @property
    def family(self) -> str:
        return "disk of substation: that of another one"

    @property
    def may_end(self) -> str:
        return self.process

    async def begin(self, grid: FaultyGrid) -> None:
        mine = grid.folder(self.process)
        grid.kill(self.process)
        await asyncio.to_thread(mine.rename, mine.with_suffix(".aside"))
        await asyncio.to_thread(shutil.copytree, grid.folder(self.other), mine)
        await asyncio.to_thread(grid.start, self.process)
        ended = await reaches(grid, self.process, "ZX", 30)
        assert ended, f"{self.process} serves on the disk of {self.other}"

    async def end(self, grid: FaultyGrid) -> None:
        mine = grid.folder(self.process)
        await asyncio.to_thread(shutil.rmtree, mine)
        await asyncio.to_thread(mine.with_suffix(".aside").rename, mine)
        await asyncio.to_thread(grid.again, self.process)


@dataclasses.dataclass(frozen=True)
class ClockMoved:
    """The wall clock of a process jumps, and jumps back; with `killed`, it is moved while the process is down."""

    process: str
    by_s: float
    may_end: ClassVar[str] = ""

    @property
    def family(self) -> str:
        return f"clock of {kind(self.process)} {'ahead' if self.by_s > 0 else 'back'}"

    async def begin(self, grid: FaultyGrid) -> None:
        grid.shims[self.process].clock(self.by_s)

    async def end(self, grid: FaultyGrid) -> None:
        grid.shims[self.process].clock(0)


@dataclasses.dataclass(frozen=True)
class NoDescriptors:
    """A process can open no more files or connections, and some callers lose theirs."""

    process: str
    link: str
    may_end: ClassVar[str] = ""

    @property
    def family(self) -> str:
        return f"descriptors of {kind(self.process)} exhausted"

    async def begin(self, grid: FaultyGrid) -> None:
        grid.most_descriptors(self.process, 3)
        grid.links[self.link].reset()

    async def end(self, grid: FaultyGrid) -> None:
        grid.most_descriptors(self.process, None)


@dataclasses.dataclass(frozen=True)
class Database:
    """The database of the order book crashes or freezes."""

    frozen: bool
    may_end: ClassVar[str] = ""

    @property
    def family(self) -> str:
        return "stop PostgreSQL" if self.frozen else "kill PostgreSQL"

    async def begin(self, grid: FaultyGrid) -> None:
        assert grid.database
        if self.frozen:
            await asyncio.to_thread(grid.database.signal, signal.SIGSTOP)
        else:
            await asyncio.to_thread(grid.database.stop, signal.SIGQUIT)

    async def end(self, grid: FaultyGrid) -> None:
        assert grid.database
        act: Callable[[], None] = grid.database.start
        if self.frozen:
            database = grid.database
            act = lambda: database.signal(signal.SIGCONT)  # noqa: E731
        await asyncio.to_thread(act)


@dataclasses.dataclass(frozen=True)
class PacketsDropped:
    """The kernel drops the packets to a process, or those from it: also those that open a connection."""

    process: str
    option: str  # --dport: what is sent to it; --sport: what it sends
    may_end: ClassVar[str] = ""

    @property
    def family(self) -> str:
        return f"packets {'to' if self.option == '--dport' else 'from'} {kind(self.process)} dropped"

    async def begin(self, grid: FaultyGrid) -> None:
        await self._rules(grid, "-I")

    async def end(self, grid: FaultyGrid) -> None:
        await self._rules(grid, "-D")

    async def _rules(self, grid: FaultyGrid, how: str) -> None:
        for port in grid.ports(self.process):
            rule = ["INPUT", "-p", "tcp", self.option, str(port), "-j", "DROP"]
            await asyncio.to_thread(subprocess.run, ["iptables", "-w", how, *rule], check=True)


def network() -> str:
    """Return which network this process is in, as the kernel names it."""
    return str(Path("/proc/self/ns/net").readlink())


def own_network() -> bool:
    """Whether this process was started in a network of its own, so that packets may be dropped."""
    return os.environ.get(OUTSIDE, network()) != network()


def kind(process: str) -> str:
    """Return what a process is: a gateway."""
    return process.partition("-")[0]


def _words(point: Point) -> str:
    return point.name.lower().replace("_", " ")
