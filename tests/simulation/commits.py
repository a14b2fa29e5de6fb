"""Commits in groups without a thread: a batch waits for its disk in virtual time, then is committed in one step.

A crash before that step loses the batch, a crash after it leaves a batch that was committed and never answered. A crash within
it leaves a part of what was written and not synced: see `Disk.torn`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runtime.group_commit import MOST_IN_A_BATCH

if TYPE_CHECKING:
    from tests.simulation.process import Process

HAND_OVER_S = (0.00002, 0.0005)
STEP_S = 0.05
ANSWER_S = (0.00002, 0.001)
ANSWER_LATE_S = (0.01, 0.5)  # one in fifty: the event loop has much to do


class SimulatedCommits:
    """See runtime.machine.Commits."""

    def __init__(self, process: "Process", name: str, work: Callable[[list[Any]], list[Any]]) -> None:
        self.name = name
        self.closed = False
        self.done = 0
        self._process = process
        self._loop = process.host.loop
        self._rng = process.host.rng
        self._work = work
        self._waiting: deque[tuple[Any, asyncio.Future[Any], float]] = deque()
        self._batch: list[tuple[Any, asyncio.Future[Any], float]] = []
        self._idle: asyncio.Future[None] | None = None
        self._busy = False

    @property
    def undone(self) -> int:
        """How many items wait for their commit."""
        return len(self._waiting) + len(self._batch)

    def oldest_s(self) -> float:
        oldest = [*self._batch[:1], *list(self._waiting)[:1]]
        return self._loop.now_s - oldest[0][2] if oldest else 0.0

    def submit(self, item: Any) -> "asyncio.Future[Any]":
        if self.closed:
            raise RuntimeError("submit after close")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((item, future, self._loop.now_s))
        if not self._busy:
            self._busy = True
            self._later(self._rng.uniform(*HAND_OVER_S), self._begin)
        return future

    async def close(self) -> None:
        self.closed = True
        while self.undone:
            await asyncio.sleep(0.001)

    def _later(self, delay_s: float, act: Callable[..., None], *args: Any) -> None:
        self._loop.call_later(delay_s, act, *args, context=self._process.context())

    def _begin(self) -> None:
        self._batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_BATCH))]
        self._wait(self._loop.now_s + self._process.host.disk.commit_s())

    def _wait(self, until_s: float) -> None:
        """Commit at a time, or earlier when the disk is not stalled any more."""
        left_s = until_s - self._loop.now_s
        if left_s > STEP_S and self._process.host.disk.stalled:
            self._later(STEP_S, self._wait, until_s)
        else:
            self._later(min(left_s, STEP_S), self._commit)

    def _commit(self) -> None:
        batch = self._batch
        items = [item for item, _, _ in batch]
        disk = self._process.host.disk
        torn = disk.takes_part()
        try:
            results = self._work(items)
        except BaseException as error:  # noqa: BLE001 - as GroupCommit ends the process
            self._process.host.loop.network.world.ended(self._process, f"{self.name}: {error!r}")
            return
        self._batch = []
        self.done += len(items)
        if torn:
            disk.tear()
            self._process.host.loop.network.world.crash(self._process, "in a commit")
            return
        self._loop.network.world.committed(self._process, self.name)
        late = self._rng.random() < 0.02
        self._later(self._rng.uniform(*(ANSWER_LATE_S if late else ANSWER_S)), self._deliver, batch, results)
        if self._waiting:
            self._later(self._rng.uniform(*HAND_OVER_S), self._begin)
        else:
            self._busy = False

    def _deliver(self, batch: list[tuple[Any, asyncio.Future[Any], float]], results: list[Any]) -> None:
        for (_, future, _), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
