"""What a commit costs: processor time of the process, time for the disk, and bytes written.

On a busy machine a thread waits for a processor longer than it works. That wait says nothing about the commit and
is left out: the kernel counts it for each thread (`schedstat`). A batch that the wait has split into several commits is
made again, because each commit has costs of its own.
"""

import dataclasses
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from runtime.group_commit import GroupCommit
from runtime.machine import Commits

SCHEDULER = Path(
    "/proc/thread-self/schedstat"
)  # nanoseconds on a processor, waiting for one, and time slices
IO = Path("/proc/thread-self/io")
NS_PER_S = 1_000_000_000
MS_PER_S = 1000
IN_A_ROW = 7  # of a round: their median leaves out a checkpoint, and the first one's cold caches
MOST_SPLIT = 100  # batches in a row


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor and disk, and KiB handed to the system."""

    cpu_ms: float
    disk_ms: float
    written_kib: float

    @property
    def ms(self) -> float:
        """How long it takes on a machine that has nothing else to do, at most."""
        return self.cpu_ms + self.disk_ms

    @classmethod
    def median(cls, costs: Sequence["Cost"]) -> "Cost":
        """Return the median of each figure."""
        return cls(*(statistics.median(each) for each in zip(*map(dataclasses.astuple, costs), strict=True)))

    def __str__(self) -> str:
        """Name all three figures."""
        return f"{self.cpu_ms:.2f} ms CPU, {self.disk_ms:.2f} ms disk, {self.written_kib:.0f} KiB"


class CommitMeter:
    """Measures the commits of one writer thread."""

    def __init__(self, commits: Commits) -> None:
        assert isinstance(commits, GroupCommit)
        self._work = commits._work
        self._disk_s: list[float] = []
        self._written = 0
        commits._work = self._measured

    async def of(self, batch: Callable[[], Awaitable[Callable[[], Awaitable[object]]]]) -> Cost:
        """Return what a batch costs that is one commit; `batch` returns what takes it back, which is not measured."""
        for _ in range(MOST_SPLIT):
            self._disk_s.clear()
            cpu_s = time.process_time()
            take_back = await batch()
            cpu_s = time.process_time() - cpu_s
            disk_s, written = list(self._disk_s), self._written
            await take_back()
            if len(disk_s) == 1:
                return Cost(cpu_s * MS_PER_S, disk_s[0] * MS_PER_S, written / 1024)
        raise RuntimeError(
            f"{MOST_SPLIT} batches in a row were several commits each: the machine is too busy"
        )

    def _measured(self, items: list[Any]) -> list[Any]:
        """Do the work of a commit; of its time, what the thread neither used nor waited for a processor went to the disk."""
        queued_s, written = _queued_s(), _written()
        began_s, cpu_s = time.monotonic(), time.thread_time()
        results = self._work(items)
        busy_s = time.thread_time() - cpu_s + _queued_s() - queued_s
        self._disk_s.append(max(0.0, time.monotonic() - began_s - busy_s))
        self._written = _written() - written
        return results


async def interleaved(works: Sequence[Callable[[], Awaitable[Cost]]], rounds: int) -> list[list[Cost]]:
    """Return for each work the median cost of each round; the works take turns."""
    found: list[list[Cost]] = [[] for _ in works]
    for _ in range(rounds):
        turns = [[await work() for work in works] for _ in range(IN_A_ROW)]
        for each, costs in zip(found, zip(*turns, strict=True), strict=True):
            each.append(Cost.median(costs))
    return found


def _queued_s() -> float:
    return int(SCHEDULER.read_text().split()[1]) / NS_PER_S


def _written() -> int:
    return int(IO.read_text().split("wchar: ")[1].split()[0])
