"""The event loop's side of a substation: it submits commands and turns snapshots into reports."""

import asyncio
import contextlib
import gc
import itertools
from collections.abc import Iterator
from pathlib import Path

from runtime.background import future_of
from runtime.backup import NO_COPY, UNFINISHED, BackupFailed, seal
from runtime.machine import Commits
from substation.base_load.basis import Basis
from substation.base_load.sources import BaseLoad, NoBaseLoad
from substation.chores import Chores
from substation.clock import GridClock
from substation.commit_watch import LATE_S, CommitWatch
from substation.contract import Report, SubstationAnswer, SubstationOutcome
from substation.curve import Curve, Usage
from substation.energy import EnergyMeter
from substation.journal import Journal
from substation.ledger import Ledger
from substation.machine_clock import MachineClock
from substation.metrics import WriterMetrics
from substation.open_pages import OpenPages
from substation.outlook import BaseLoadOutlook
from substation.tasks import Backup, Probe
from substation.writer import LedgerSnapshot, Request, Writer

COPIES = "journal"  # how the names of backups begin


def resume(
    journal: Journal,
    capacity_w: int,
    now_ms: int,
    base_load: BaseLoad | None = None,
    outlook: BaseLoadOutlook | None = None,
) -> Ledger:
    """Return the ledger that the journal shows, brought to grid time `now_ms`. Raises StoreUnusable.

    Up to then the base load counts as it was at the last commit. While the ledger is made, SQLite checks the journal, if
    that was not done yet: with 100,000 open and 1,000,000 ended sessions both take about a second.
    """
    known = journal.station()
    ledger = Ledger(capacity_w, known.grid_ms, known.usage)
    ledger.outlook = outlook
    with _no_collection():
        sessions = journal.open_at(known.grid_ms)
        with journal.check.meanwhile(known.journal_id, known.commits):
            ledger.resume(sessions, known.grid_ms)
            ledger.begin(known.grid_ms, known.base_load_w)
            ledger.set_draining(on=known.draining)
            ledger.set_capacity(min(capacity_w, known.limit_w or capacity_w))
            now_ms = max(known.grid_ms, now_ms)
            ledger.begin(now_ms, base_load.watts_at(now_ms) if base_load else 0)
            ledger.check()
    return ledger


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through objects that are made and stay.

    With 100,000 open sessions it takes half of the time of their resumption.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


class Station:
    """One running substation; `start` it, and `close` it when no more commands come."""

    def __init__(
        self,
        journal: Journal,
        capacity_w: int,
        clock: GridClock,
        metrics: WriterMetrics,
        base_load: BaseLoad | None = None,
        outlook: BaseLoadOutlook | None = None,
    ) -> None:
        """Take up the journal's open sessions where grid time has brought them."""
        known = journal.station()
        self.substation_id, self.journal_id = known.substation_id, known.journal_id
        self.time_scale = clock.scale
        self._rated_w, self._epoch = capacity_w, journal.epoch
        self._seq, self._clock, self.monotonic_s = itertools.count(1), clock, journal.machine.monotonic_s
        self.base_load: BaseLoad = base_load or NoBaseLoad()
        ledger = resume(journal, capacity_w, clock.start_ms, self.base_load, outlook)
        machine = MachineClock.of(journal.machine)
        self._writer = Writer(journal, ledger, clock, metrics, machine, self.base_load)
        # The epoch and the time scale; shows whether the disk is full.
        self._writer.commit([Request(Probe())])
        self._watch = CommitWatch()
        self._held: tuple[LedgerSnapshot, int] | None = None
        self._backing_up = False
        self._commits: Commits = journal.machine.commits("journal", self._writer.commit)
        self._energy = EnergyMeter(self._curve)
        self.open_pages = OpenPages(self._curve, self.substation_id)
        chores = Chores(self.ask, self._writer, self._watch, self._commits.oldest_s, journal.check.indexes)
        loops = (*chores.loops(self.base_load), self._energy.follow())
        self._chores = [asyncio.create_task(loop) for loop in loops]

    def ask(self, request: Request) -> "asyncio.Future[SubstationAnswer]":
        """Return the future of the answer, which is there once it is durable.

        The answer is `unavailable` when the substation stops, or when the disk is full.
        """
        if self._commits.closed:
            return future_of(SubstationAnswer(SubstationOutcome.UNAVAILABLE))
        return self._commits.submit(request)

    def report(self) -> Report:
        """Evaluate load and release schedule at this moment, under the next `seq`."""
        published, now_ms = self._moment()
        curve, base_w = published.curve, self.base_load.watts_at(now_ms)
        return Report(
            self.substation_id,
            self.journal_id,
            self._epoch,
            next(self._seq),
            curve.load_at(now_ms),
            curve.capacity_w,
            published.draining or bool(self.waiting_for()),
            curve.releases_at(now_ms, self.time_scale),
            curve.sessions_at(now_ms),
            self._rated_w,
            published.book_id,
            base_w,
            curve.owed_w,
            len(curve.paused),
            self._clock.calendar_s(now_ms),
            published.kept_w(base_w, now_ms),
            self.base_load.basis_at(now_ms).assumed,
        )

    def draw_w(self) -> float:
        """Return the watts that the cars draw at this moment; of many, some seconds ago."""
        return self._energy.draw_w()

    def delivered_j(self) -> int:
        """Return the joules delivered up to this moment; of many sessions, up to some seconds ago."""
        return self._energy.delivered_j()

    def usage(self) -> Usage:
        """Return the running totals at this moment."""
        curve, now_ms = self._curve()
        return curve.usage_at(now_ms)

    def base_load_basis(self) -> Basis:
        """Return by what the base load of this moment is known."""
        return self.base_load.basis_at(self._moment()[1])

    def grid_ms(self) -> int:
        """Return the grid time."""
        return self._clock.at(self.monotonic_s())

    def waiting_for(self) -> list[str]:
        """Return what keeps this substation from admitting, in words."""
        if self._commits.closed:
            return ["the end: the substation is stopping"]
        published = self._writer.published
        if published.damaged:
            return ["another journal: this one is damaged, the log says how"]
        lacking = ["room on the disk of the journal"] if published.full else []
        if self._watch.late(self._commits.oldest_s()):
            lacking.append(f"the disk of the journal: a commit takes over {LATE_S:g} s")
        return lacking

    async def backup(self, folder: Path, most: int) -> Path:
        """Write a consistent copy of the journal into `folder`; returns its path once it is on the disk.

        The folder keeps the newest `most` copies. A copy holds everything that was answered before. Commits wait
        while it is written, not while it is synced. Raises BackupFailed.
        """
        if self._backing_up:
            raise BackupFailed("another backup is being written")
        self._backing_up = True
        try:
            answer = await self.ask(Request(Backup(folder / UNFINISHED)))
            _require_copy(answer.outcome, self.waiting_for())
            return await asyncio.to_thread(seal, folder, COPIES, most)
        finally:
            self._backing_up = False

    async def close(self) -> None:
        """Finish what was submitted; later commands are answered `unavailable`."""
        for chore in self._chores:
            chore.cancel()
        await self._commits.close()

    def _moment(self) -> tuple[LedgerSnapshot, int]:
        """Return the published snapshot and the grid time, the same ones all through one page.

        A page is written without a pause in the event loop, but in several parts: if a commit came
        between them, the draw could be above the load.
        """
        if not self._held:
            self._held = (self._writer.published, self._clock.at(self.monotonic_s()))
            asyncio.get_running_loop().call_soon(self._let_go)
        return self._held

    def _let_go(self) -> None:
        self._held = None

    def _curve(self) -> tuple[Curve, int]:
        published, now_ms = self._moment()
        return published.curve, now_ms


def _require_copy(outcome: SubstationOutcome, waiting_for: list[str]) -> None:
    """Raise BackupFailed unless a copy was written."""
    if outcome is SubstationOutcome.UNAVAILABLE:
        raise BackupFailed(f"the substation waits for {' and '.join(waiting_for) or 'its disk'}")
    if outcome is not SubstationOutcome.DONE:
        raise BackupFailed(NO_COPY)
