"""What a substation does by itself, again and again: it follows its base load, and looks after its journal."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator

from runtime.index_comparison import IndexComparison
from substation.base_load.sources import OFF, BaseLoad
from substation.commit_watch import CommitWatch
from substation.contract import SubstationAnswer, SubstationOutcome
from substation.tasks import Compare, FollowBaseLoad, Probe, Prune
from substation.writer import Request, Writer

FOLLOW_S = 0.5  # an overload by the base load is to end within 2 s
PROBE_S = 1.0
PRUNE_S = 10.0
PRUNE_ON_S = 0.01  # while there is more to drop: over 6,000 records a second, and other commits come between
COMPARE_S = (
    0.05  # with MOST_COMPARED: five minutes for 1,000,000 records, and a twentieth of the writer's time
)


class Chores:
    """The chores of one substation; each one is a loop without an end."""

    def __init__(
        self,
        ask: Callable[[Request], Awaitable[SubstationAnswer]],
        writer: Writer,
        watch: CommitWatch,
        oldest_s: Callable[[], float],
        indexes: IndexComparison,
    ) -> None:
        """`ask` has the writer carry out a task; `oldest_s` is how long the oldest request has waited for its commit."""
        self._ask = ask
        self._writer = writer
        self._watch = watch
        self._oldest_s = oldest_s
        self._indexes = indexes

    def loops(self, base_load: BaseLoad) -> Iterator[Coroutine[None, None, None]]:
        """Yield the loops, to be run side by side."""
        yield self._follow(base_load)
        yield self._probe()
        yield self._prune()
        yield self._compare()

    async def _follow(self, base_load: BaseLoad) -> None:
        """Look again and again whether the base load leaves the room that sessions have, or need."""
        while True:
            if base_load.name != OFF or self._writer.published.curve.paused:
                await self._ask(Request(FollowBaseLoad()))
            await asyncio.sleep(FOLLOW_S)

    async def _probe(self) -> None:
        """While the disk is full or slow, make test commits, and measure how long they take."""
        while True:
            await asyncio.sleep(PROBE_S)
            if self._writer.published.full or self._watch.late(self._oldest_s()):
                began_s = asyncio.get_running_loop().time()
                if (await self._ask(Request(Probe()))).outcome is SubstationOutcome.DONE:
                    self._watch.probed(asyncio.get_running_loop().time() - began_s)

    async def _prune(self) -> None:
        """Drop records that can't be asked for any more, a little at a time, for as long as there are some."""
        while True:
            await asyncio.sleep(PRUNE_ON_S if self._writer.tasks.more_to_prune else PRUNE_S)
            await self._ask(Request(Prune()))

    async def _compare(self) -> None:
        """Compare the indexes of a large journal with its records, a few at a time, until all are compared."""
        while not (self._indexes.done or self._writer.published.damaged):
            await asyncio.sleep(COMPARE_S)
            await self._ask(Request(Compare()))
