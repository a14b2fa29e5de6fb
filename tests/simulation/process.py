"""A simulated process: what belongs to it, its machine, and how it ends."""

import asyncio
import contextvars
import dataclasses
import random
from collections import deque
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from runtime.machine import Machine
from tests.simulation.commits import SimulatedCommits
from tests.simulation.disk import Disk
from tests.simulation.loop import OWNER, START_S, SimulatedLoop

UNIX_S = 1_790_000_000.0  # at the start of a run


@dataclasses.dataclass(eq=False)
class Host:
    """A machine: its name, its disk, its wall clock (how far it was moved), and what runs there now."""

    name: str
    loop: SimulatedLoop
    disk: Disk
    rng: random.Random
    jumped_s: float = 0.0
    process: "Process | None" = None
    runs: int = 0  # processes that were started here

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive


class Process:
    """One run of a program on a host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.alive, self.stopped, self.serving = True, False, False
        # What was due while it was stopped, or after its end: kept, so that no task is cleaned up before the run is over.
        self.backlog: deque[asyncio.Handle] = deque()
        self.commits: list[SimulatedCommits] = []
        self.stack = AsyncExitStack()
        self.parts: Any = None  # what was started, as the grid knows it
        self._context = contextvars.Context()
        self._context.run(OWNER.set, self)
        chance = random.Random(host.rng.random())
        self.jumped_s = host.jumped_s  # at its start
        self.machine = Machine(
            host.loop.time,
            lambda: UNIX_S + host.loop.now_s - START_S + host.jumped_s,
            chance.getrandbits,
            chance,
            self._commits,
        )
        host.process = self
        host.runs += 1

    @property
    def name(self) -> str:
        return self.host.name

    def context(self) -> contextvars.Context:
        """Return a context in which what is run belongs to this process."""
        return self._context.copy()

    def run(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Start a task of this process; what it starts belongs to the process too."""
        return self.host.loop.create_task(work, context=self.context())

    def kill(self) -> None:
        """End it at once. Nothing is cleaned up; the network and the disk see to the rest."""
        self.alive = self.stopped = False
        self.host.loop.network.died(self)
        self.host.disk.died()

    def stop(self) -> None:
        """Stop it as SIGSTOP does."""
        self.stopped = True

    def go_on(self) -> None:
        """Let it go on as SIGCONT does."""
        if self.stopped:
            self.stopped = False
            backlog, self.backlog = self.backlog, deque()
            self.host.loop.again(backlog)

    def _commits(self, name: str, work: Any) -> SimulatedCommits:
        made = SimulatedCommits(self, name, work)
        self.commits.append(made)
        return made
