"""The event loop's side of a substation: it submits commands and turns snapshots into reports."""

import asyncio
import itertools
import time

from runtime.group_commit import GroupCommit
from substation.clock import GridClock
from substation.contract import Answer, Outcome, Report
from substation.curve import Usage
from substation.journal import Journal
from substation.ledger import Ledger
from substation.metrics import WriterMetrics
from substation.writer import Probe, Request, Sessions, Writer

PROBE_S = 1.0


def resume(journal: Journal, capacity_w: int, now_ms: int) -> Ledger:
    """Return the ledger that the journal shows, brought to grid time `now_ms`."""
    known = journal.station()
    ledger = Ledger(capacity_w, known.grid_ms, known.usage)
    for entry in journal.open_at(known.grid_ms):
        ledger.resume(entry, known.grid_ms)
    ledger.set_capacity(capacity_w)
    ledger.begin(max(known.grid_ms, now_ms))
    ledger.check()
    return ledger


class Station:
    """One running substation; `start` it, and `close` it when no more commands come."""

    def __init__(self, journal: Journal, capacity_w: int, clock: GridClock, metrics: WriterMetrics) -> None:
        """Take up the journal's open sessions where grid time has brought them."""
        known = journal.station()
        self.substation_id = known.substation_id
        self.journal_id = known.journal_id
        self.grpc_address = ""
        self.time_scale = clock.scale
        self._epoch = known.epoch
        self._seq = itertools.count(1)
        self._clock = clock
        self._writer = Writer(journal, resume(journal, capacity_w, clock.start_ms), clock, metrics)
        self._commits: GroupCommit[Request, Answer | Sessions] = GroupCommit("journal", self._writer.commit)
        self._probing = asyncio.create_task(self._probe())

    async def ask(self, request: Request) -> Answer | Sessions:
        """Answer a command once it is durable; `unavailable` when stopping or when the disk is full."""
        if self._commits.closed:
            return Answer(Outcome.UNAVAILABLE)
        return await self._commits.submit(request)

    def report(self) -> Report:
        """Evaluate load and release schedule at this moment, under the next `seq`."""
        published, now_ms = self._writer.published, self._now_ms()
        curve = published.curve
        return Report(
            self.substation_id, self.journal_id, self._epoch, next(self._seq), curve.load_at(now_ms),
            curve.capacity_w, published.draining or bool(self.waiting_for()),
            curve.releases_at(now_ms, self.time_scale), curve.sessions_at(now_ms),
        )  # fmt: skip

    def usage(self) -> Usage:
        """Return the running totals at this moment."""
        return self._writer.published.curve.usage_at(self._now_ms())

    def waiting_for(self) -> list[str]:
        """Return what keeps this substation from admitting, in words."""
        if self._commits.closed:
            return ["the end: the substation is stopping"]
        return ["room on the disk of the journal"] if self._writer.published.full else []

    async def close(self) -> None:
        """Finish what was submitted; later commands are answered `unavailable`."""
        self._probing.cancel()
        await self._commits.close()

    def _now_ms(self) -> int:
        return self._clock.at(time.monotonic())

    async def _probe(self) -> None:
        """While the disk is full, see whether it takes anything again."""
        while True:
            await asyncio.sleep(PROBE_S)
            if self._writer.published.full:
                await self.ask(Request(Probe()))
