"""The writer: decides in the ledger, writes the journal, commits, and only then answers.

Everything here runs on one thread. What others see is `published`, an immutable snapshot that is
replaced after each commit.
"""

import dataclasses
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from runtime.store import StoreDamaged, StoreFull
from substation.clock import GridClock
from substation.contract import (
    MOST_LISTED,
    Command,
    Derate,
    Drain,
    FindSession,
    ListSessions,
    Place,
    Settle,
    StopSession,
    SubstationAnswer,
    SubstationOutcome,
    Withdraw,
)
from substation.curve import Curve
from substation.journal import Journal
from substation.ledger import Decision, Ledger
from substation.metrics import WriterMetrics
from substation.records import Entry, Record

log = logging.getLogger(__name__)

Decided = Place | Withdraw | Settle | StopSession | Drain | Derate


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """Writes the time alone, to see whether the disk takes anything again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Prune:
    """Drops a bounded number of records that nobody can ask for any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Backup:
    """Writes a consistent copy of the journal to `path`, not synced yet; commits wait meanwhile."""

    path: Path


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A command, or an errand of our own, and the monotonic time up to which somebody waits."""

    command: Command | Probe | Prune | Backup
    until_s: float = float("inf")


@dataclasses.dataclass(frozen=True, slots=True)
class Published:
    """What the event loop knows of the ledger."""

    curve: Curve
    draining: bool
    book_id: str = ""
    full: bool = False  # the disk can't be written
    damaged: bool = False  # the journal can't be read any more


class Writer:
    """Owns the ledger and the journal of one substation."""

    def __init__(  # noqa: PLR0913 - two clocks, for tests
        self,
        journal: Journal,
        ledger: Ledger,
        rated_w: int,
        clock: GridClock,
        metrics: WriterMetrics,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        """`ledger` is what `journal` shows; the last two are the clocks of this machine."""
        self._journal = journal
        self._ledger = ledger
        self._rated_w = rated_w
        self._clock = clock
        self._metrics = metrics
        self._monotonic_s = monotonic_s
        self._unix_s = unix_s
        self._station = self._before = journal.station()
        self._started_s = (monotonic_s(), unix_s())
        self.published = Published(ledger.curve(), ledger.draining, self._station.book_id)

    def commit(self, batch: list[Request]) -> list[SubstationAnswer]:
        """Answer a batch; what it changes is on the disk when this returns."""
        began_s = self._monotonic_s()
        now_ms, unix_ms = self._clock.at(began_s), int(self._unix_s() * 1000)
        self._ledger.begin(now_ms)
        full, damaged = False, self.published.damaged
        if damaged:  # data that is written to a damaged file may be lost
            answers = [self._read_only(request, now_ms) for request in batch]
        else:
            try:
                full, answers = self._written(batch, began_s, now_ms, unix_ms)
            except (StoreFull, StoreDamaged) as error:
                full, damaged = isinstance(error, StoreFull), isinstance(error, StoreDamaged)
                answers = self._undone(batch, now_ms, error)
        self._ledger.check_bounds()
        self.published = Published(
            self._ledger.curve(), self._ledger.draining, self._station.book_id, full, damaged
        )
        return [self._copied(request, answer) for request, answer in zip(batch, answers, strict=True)]

    def _written(
        self, batch: list[Request], began_s: float, now_ms: int, unix_ms: int
    ) -> tuple[bool, list[SubstationAnswer]]:
        """Commit a batch; returns whether the disk is still known to be full, and the answers."""
        decisions: list[Decision] = []
        self._before = self._station
        with self._journal.transaction():
            answers = [self._answer(request, now_ms, unix_ms, decisions) for request in batch]
            writing = any(d.write for d in decisions) or any(isinstance(r.command, Probe) for r in batch)
            if writing:
                self._journal.stamp(now_ms, unix_ms, self._ledger.curve().usage, self._clock.scale)
        if writing:
            self._metrics.committed(self._monotonic_s() - began_s, [d.outcome for d in decisions if d.write])
        return self.published.full and not writing, answers

    def _undone(
        self, batch: list[Request], now_ms: int, error: StoreFull | StoreDamaged
    ) -> list[SubstationAnswer]:
        """Undo in memory what the journal has undone, and answer requests that only read."""
        self._ledger.rollback()
        self._station = self._before
        if isinstance(error, StoreDamaged):
            log.critical("the journal is damaged: %s; nothing is admitted, and nothing is written", error)
        return [self._read_only(request, now_ms) for request in batch]

    def _answer(
        self, request: Request, now_ms: int, unix_ms: int, decisions: list[Decision]
    ) -> SubstationAnswer:
        command = request.command
        if isinstance(command, Prune) and self._journal.prune(now_ms, min(unix_ms, self._steady_unix_ms())):
            # What was dropped may have ended since the last stamp: the totals must have its energy.
            decisions.append(Decision(SubstationOutcome.DONE, write=True))
        if isinstance(command, Probe | Prune | Backup):
            return SubstationAnswer(SubstationOutcome.DONE)
        if isinstance(command, ListSessions | FindSession):
            return self._read(request, now_ms)
        if isinstance(command, Place | Withdraw | Settle) and command.journal_id not in {
            "",
            self._station.journal_id,
        }:
            return SubstationAnswer(SubstationOutcome.NOT_ME)  # the outcome of that key is in another journal
        if self._monotonic_s() > request.until_s:
            return SubstationAnswer(SubstationOutcome.UNAVAILABLE)  # nobody waits any more: decide nothing
        if isinstance(command, Place) and not self._bound_to(command.book_id):
            return SubstationAnswer(SubstationOutcome.WRONG_BOOK)
        decision = self._decide(command, now_ms, unix_ms)
        if decision.write and decision.record:
            self._journal.write(decision.record, unix_ms)
        decisions.append(decision)
        return self._show(decision.outcome, decision.record, now_ms)

    def _decide(self, command: Decided, now_ms: int, unix_ms: int) -> Decision:
        match command:
            case Place():
                entry = self._entry(command, now_ms, unix_ms)
                return self._ledger.place(command, self._journal.by_key(command.key), entry)
            case Withdraw():
                return self._ledger.withdraw(command, self._journal.by_key(command.key), unix_ms)
            case Settle():
                return self._ledger.settle(command, self._journal.by_key(command.key))
            case StopSession():
                return self._ledger.stop(
                    self._journal.by_session(command.session_id, command.caller), unix_ms
                )
            case Drain(on):
                self._ledger.set_draining(on=on)
                limit_w = self._station.limit_w
            case Derate(limit_w):
                if not 0 <= limit_w <= self._rated_w:
                    return Decision(SubstationOutcome.INVALID)
                self._ledger.set_capacity(limit_w or self._rated_w)
        return self._steered(limit_w)

    def _copied(self, request: Request, answer: SubstationAnswer) -> SubstationAnswer:
        """Carry out a backup, now that the batch is committed: its failure undoes nothing."""
        if not isinstance(request.command, Backup) or answer.outcome is not SubstationOutcome.DONE:
            return answer
        return (
            answer
            if self._journal.backup(request.command.path)
            else SubstationAnswer(SubstationOutcome.INVALID)
        )

    def _steady_unix_ms(self) -> int:
        """Return the wall time by the monotonic clock since the start, which no jump reaches."""
        monotonic_s, unix_s = self._started_s
        return int((unix_s + self._monotonic_s() - monotonic_s) * 1000)

    def _steered(self, limit_w: int) -> Decision:
        """Note the operator's order; on the disk with this commit."""
        self._journal.steer(draining=self._ledger.draining, limit_w=limit_w)
        self._station = dataclasses.replace(self._station, draining=self._ledger.draining, limit_w=limit_w)
        return Decision(SubstationOutcome.DONE, write=True)

    def _entry(self, place: Place, now_ms: int, unix_ms: int) -> Entry:
        session_id = f"{self._station.substation_id}.{secrets.token_hex(8)}"
        expected_end = unix_ms + self._clock.wall_ms(place.plan.duration_ms)
        return Entry(
            session_id, place.vehicle_id, place.plan, now_ms, unix_ms, expected_end, caller=place.caller
        )

    def _bound_to(self, book_id: str) -> bool:
        if not self._station.book_id:
            self._journal.bind(book_id)
            self._station = dataclasses.replace(self._station, book_id=book_id)
        return self._station.book_id == book_id

    def _read_only(self, request: Request, now_ms: int) -> SubstationAnswer:
        """Answer requests that only read; records that can't be read are left out."""
        try:
            return self._read(request, now_ms)
        except StoreDamaged:
            return SubstationAnswer(SubstationOutcome.UNAVAILABLE)

    def _read(self, request: Request, now_ms: int) -> SubstationAnswer:
        match request.command:
            case FindSession(session_id, caller):
                record = self._journal.by_session(session_id, caller)
                return self._show(
                    SubstationOutcome.FOUND if record else SubstationOutcome.NOT_FOUND, record, now_ms
                )
            case ListSessions(after, limit, vehicle_id, caller):
                limit = min(max(limit, 1), MOST_LISTED)
                rows = self._journal.page(after, limit, vehicle_id, caller)
                shown = (record.session_at(now_ms, self._station.substation_id) for _, record in rows)
                sessions = tuple(session for session in shown if session)
                return SubstationAnswer(
                    SubstationOutcome.FOUND, None, sessions, rows[-1][0] if len(rows) == limit else 0
                )
            case _:
                return SubstationAnswer(SubstationOutcome.UNAVAILABLE)

    def _show(self, outcome: SubstationOutcome, record: Record | None, now_ms: int) -> SubstationAnswer:
        return SubstationAnswer(
            outcome, record.session_at(now_ms, self._station.substation_id) if record else None
        )
