"""What a service takes from the machine that it runs on: its clocks, chance, and a thread that commits.

Each part that needs some of it is given it at construction. So the services can run on a machine that is simulated
(docs/adr/0059). Timers and connections are those of the event loop, which a simulation provides, too.
"""

import asyncio
import dataclasses
import os
import secrets
import time
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from runtime.group_commit import GroupCommit


class Commits(Protocol):
    """Commits items in groups: see `GroupCommit`."""

    @property
    def closed(self) -> bool:
        """Whether no further item is accepted."""

    def oldest_s(self) -> float:
        """Return for how many seconds the oldest item that is not done has waited; 0 when all is done."""

    def submit(self, item: Any) -> "asyncio.Future[Any]":
        """Return a future of the item's result. Must not be called once closed."""

    async def close(self) -> None:
        """Finish what was submitted, and accept no more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """A machine: the monotonic clock and the wall clock in seconds, and chance.

    `random_bits` returns as many bits as it is asked for, which nobody can guess; `random` is for what need not be secret.
    `commits` takes a name and the work that commits a batch, and returns what calls it.
    """

    monotonic_s: Callable[[], float] = time.monotonic
    unix_s: Callable[[], float] = time.time
    random_bits: Callable[[int], int] = secrets.randbits
    random: Random = dataclasses.field(default_factory=Random)
    commits: Callable[[str, Callable[[list[Any]], list[Any]]], Any] = GroupCommit

    def token(self, size: int) -> str:
        """Return `size` random bytes as hexadecimal digits."""
        return f"{self.random_bits(8 * size):0{2 * size}x}"


THIS = Machine()
os.register_at_fork(after_in_child=THIS.random.seed)  # else two processes would draw the same numbers
