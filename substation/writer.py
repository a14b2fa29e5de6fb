"""The writer: decides in the ledger, writes the journal, commits, and only then answers.

Everything here runs on one thread. Other threads see only `published`, an immutable snapshot that is replaced after
each commit, and `tasks.more_to_prune`.
"""

import logging
from collections.abc import Iterable

from runtime.store import StoreDamaged, StoreFull
from runtime.values import value
from substation.base_load.sources import BaseLoad, NoBaseLoad
from substation.clock import ClockReading, GridClock
from substation.contract import (
    Bind,
    Command,
    Derate,
    Drain,
    FindSession,
    Foresee,
    ListSessions,
    Place,
    Settle,
    StopSession,
    SubstationAnswer,
    SubstationOutcome,
    Withdraw,
)
from substation.curve import Curve
from substation.ended_listing import EndedQuery
from substation.journal import Journal
from substation.ledger import Decision, Ledger, settle
from substation.machine_clock import MachineClock
from substation.metrics import WriterMetrics
from substation.outlook import BaseLoadOutlook
from substation.pausing import Pauses
from substation.queries import Queries
from substation.records import Entry
from substation.session_ids import SessionIds, highest_id
from substation.station_row import StationRow
from substation.tasks import TASKS, Backup, Probe, Task, Tasks

log = logging.getLogger(__name__)

WritingCommand = Place | Withdraw | Settle | StopSession | Drain | Derate | Bind
# Tuples, because a union that stands in a function is made anew for each command.
NOT_WRITING = (ListSessions, FindSession, Foresee, EndedQuery)
OF_A_JOURNAL = (Place, Withdraw, Settle)


@value(frozen=True, slots=True)
class Request:
    """A command, a task of the substation itself or a search, and the monotonic time up to which its caller waits."""

    command: Command | Task | EndedQuery
    until_s: float = float("inf")


@value(frozen=True, slots=True)
class LedgerSnapshot:
    """The state of the ledger after a commit, as the event loop sees it."""

    curve: Curve
    draining: bool
    book_id: str = ""
    full: bool = False  # the disk can't be written
    damaged: bool = False  # the journal can't be read any more
    outlook: BaseLoadOutlook | None = None  # by which admissions are decided, too

    def kept_w(self, base_w: int, now_ms: int) -> int:
        """Return the watts that are kept for the base load to come, at a grid time and with its base load."""
        return self.outlook.kept_w(self.curve, base_w, now_ms) if self.outlook else 0


class Writer:
    """Owns the ledger and the journal of one substation."""

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        clock: GridClock,
        metrics: WriterMetrics,
        machine: MachineClock,
        base_load: BaseLoad | None = None,
    ) -> None:
        """`ledger` has the state of `journal`; `clock` gives grid time, and `machine` the time of this machine."""
        self._journal = journal
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._machine = machine
        self._base_load: BaseLoad = base_load or NoBaseLoad()
        self.tasks = Tasks(journal, Pauses(ledger, journal.by_session, clock.wall_ms), machine)
        self._station = StationRow(journal)
        known = self._station.known
        self._queries = Queries(journal, known.substation_id)
        self._ids = _ids(journal, known.substation_id, machine.unix_ms())
        self.published = _snapshot(ledger, known.book_id)

    def commit(self, batch: list[Request]) -> list[SubstationAnswer]:
        """Answer a batch; what it changes is on the disk when this returns."""
        began_s = self._machine.monotonic_s()
        now_ms, unix_ms = self._clock.at(began_s), self._machine.unix_ms()
        self._ledger.begin(now_ms, self._base_load.watts_at(now_ms))
        full, damaged = False, self.published.damaged
        if damaged:  # data that is written to a damaged file may be lost
            answers = [self._queries.answer_if_readable(request.command, now_ms) for request in batch]
        else:
            try:
                full, answers = self._commit_batch(batch, began_s, now_ms, unix_ms)
            except (StoreFull, StoreDamaged) as error:
                full, damaged = isinstance(error, StoreFull), isinstance(error, StoreDamaged)
                answers = self._undo(batch, now_ms, error)
        self._ledger.check_bounds()
        book_id = self._station.known.book_id
        self.published = _snapshot(self._ledger, book_id, full=full, damaged=damaged)
        return [_with_backup(self._journal, *asked) for asked in zip(batch, answers, strict=True)]

    def _commit_batch(
        self, batch: list[Request], began_s: float, now_ms: int, unix_ms: int
    ) -> tuple[bool, list[SubstationAnswer]]:
        """Commit a batch; returns whether the disk is still known to be full, and the answers."""
        decisions: list[Decision] = []
        self._station.begin()
        with self._journal.transaction():
            answers = [self._answer(request, now_ms, unix_ms, decisions) for request in batch]
            writing = any(d.write for d in decisions) or any(isinstance(r.command, Probe) for r in batch)
            if writing:
                moment = ClockReading(now_ms, unix_ms, self._clock.scale)
                self._journal.stamp(moment, self._ledger.usage, self._ledger.base_w)
        if writing:
            self._metrics.committed(
                self._machine.monotonic_s() - began_s, [d.outcome for d in decisions if d.write]
            )
            _log_pauses(decisions, self._metrics)
        return self.published.full and not writing, answers

    def _undo(
        self, batch: list[Request], now_ms: int, error: StoreFull | StoreDamaged
    ) -> list[SubstationAnswer]:
        """Undo in memory what the journal has undone, and answer requests that only read."""
        self._ledger.rollback()
        self._station.rollback()
        self.tasks.more_to_prune = False  # not before there is room again
        if isinstance(error, StoreDamaged):
            log.critical("the journal is damaged: %s; nothing is admitted, and nothing is written", error)
        return [self._queries.answer_if_readable(request.command, now_ms) for request in batch]

    def _answer(
        self, request: Request, now_ms: int, unix_ms: int, decisions: list[Decision]
    ) -> SubstationAnswer:
        command = request.command
        if isinstance(command, TASKS):
            for decision in self.tasks.carry_out(command, now_ms, unix_ms):
                self._keep(decision, unix_ms, decisions)
            return SubstationAnswer(SubstationOutcome.DONE)
        if isinstance(command, NOT_WRITING):
            base_load, day_starts_ms = self._base_load, self._clock.day_starts_ms
            return _unwritten(command, self._queries, self._ledger, base_load, now_ms, day_starts_ms)
        own_id = self._station.known.journal_id
        if isinstance(command, OF_A_JOURNAL) and command.journal_id not in ("", own_id):
            return SubstationAnswer(SubstationOutcome.NOT_ME)  # the outcome of that key is in another journal
        if self._machine.monotonic_s() > request.until_s:
            return SubstationAnswer(SubstationOutcome.UNAVAILABLE)  # too late: decide nothing
        if isinstance(command, Place) and not self._station.belongs_to(command.book_id):
            return SubstationAnswer(SubstationOutcome.WRONG_BOOK)
        decision = self._decide(command, now_ms, unix_ms)
        self._keep(decision, unix_ms, decisions)
        return self._queries.shown(decision.outcome, decision.record, now_ms)

    def _keep(self, decision: Decision, unix_ms: int, decisions: list[Decision]) -> None:
        """Write what a decision changes, and note it among those of the batch."""
        if decision.write and decision.record:
            self._journal.write(decision.record, unix_ms)
        decisions.append(decision)

    def _decide(self, command: WritingCommand, now_ms: int, unix_ms: int) -> Decision:
        match command:
            case Place():
                entry = _entry(
                    command,
                    self._ids.next(unix_ms, self._machine.random.getrandbits(16)),
                    self._clock,
                    now_ms,
                    unix_ms,
                )
                return self._ledger.place(command, self._journal.by_key(command.key), entry)
            case Withdraw():
                return self._ledger.withdraw(command, self._journal.by_key(command.key), unix_ms)
            case Settle():
                return settle(command, self._journal.by_key(command.key))
            case StopSession():
                return self._ledger.stop(
                    self._journal.by_session(command.session_id, command.caller), unix_ms
                )
            case Bind():
                return self._station.bind(command)
            case Drain() | Derate():
                return _steered(command, self._ledger, self._station)


def _steered(command: Drain | Derate, ledger: Ledger, station: StationRow) -> Decision:
    """Carry out an operator's order."""
    limit_w = station.known.limit_w
    if isinstance(command, Drain):
        ledger.set_draining(on=command.on)
    else:
        limit_w = command.limit_w
        if not 0 <= limit_w <= ledger.rated_w:
            return Decision(SubstationOutcome.INVALID)
        ledger.set_capacity(limit_w or ledger.rated_w)
    station.steer(draining=ledger.draining, limit_w=limit_w)
    return Decision(SubstationOutcome.DONE, write=True)


def _snapshot(ledger: Ledger, book_id: str, *, full: bool = False, damaged: bool = False) -> LedgerSnapshot:
    """Return the ledger as it is now."""
    return LedgerSnapshot(ledger.curve(), ledger.draining, book_id, full, damaged, ledger.outlook)


def _unwritten(
    command: ListSessions | FindSession | Foresee | EndedQuery,
    queries: Queries,
    ledger: Ledger,
    base_load: BaseLoad,
    now_ms: int,
    day_starts_ms: int,
) -> SubstationAnswer:
    """Answer a command that writes nothing. A forecast is kept in memory alone; one that can't be true is `invalid`."""
    if not isinstance(command, Foresee):
        return queries.answer(command, now_ms)
    outlook = BaseLoadOutlook.of(command, day_starts_ms)
    if not outlook:
        return SubstationAnswer(SubstationOutcome.INVALID)
    base_load.expect(outlook)
    if ledger.outlook:
        ledger.outlook = outlook
    return SubstationAnswer(SubstationOutcome.DONE)


def _log_pauses(decisions: Iterable[Decision], metrics: WriterMetrics) -> None:
    """Count and log the pauses that began and ended with a commit."""
    for decision in decisions:
        entry = decision.record.entry if decision.record else None
        if decision.outcome is SubstationOutcome.DONE and entry:
            metrics.paused(began=entry.paused)
            word = "was paused: the base load needs its power" if entry.paused else "resumed"
            log.info("a session %s", word, extra={"session_id": entry.session_id})


def _with_backup(journal: Journal, request: Request, answer: SubstationAnswer) -> SubstationAnswer:
    """Carry out a backup, now that the batch is committed: its failure undoes nothing."""
    if isinstance(request.command, Backup) and answer.outcome is SubstationOutcome.DONE:
        copied = journal.backup(request.command.path)
        return answer if copied else SubstationAnswer(SubstationOutcome.INVALID)
    return answer


def _ids(journal: Journal, substation_id: str, unix_ms: int) -> SessionIds:
    """Return ids that come after those in the journal."""
    return SessionIds(substation_id, journal.last_id(highest_id(substation_id, unix_ms)))


def _entry(place: Place, session_id: str, clock: GridClock, now_ms: int, unix_ms: int) -> Entry:
    """Return the session that a request would become, starting now."""
    expected_end = unix_ms + clock.wall_ms(place.plan.duration_ms)
    return Entry(session_id, place.vehicle_id, place.plan, now_ms, unix_ms, expected_end, caller=place.caller)
