"""What must be true of a grid at every step, by what its journals hold and by what its callers were told.

Checked after each commit of a substation, whose journal is read anew: no admission above the limit, one session for one key,
nothing lost that was synced. Checked at each answer: what a caller is told is on a disk, and is what it was told before.
"""

import dataclasses
from collections import defaultdict
from typing import Any

from balancer.contract import BalancerAnswer, BalancerOutcome
from substation.contract import SessionState
from substation.records import Entry, Record
from substation.rows import record_from_row
from tests.simulation.process import Process

OPEN = (SessionState.CHARGING, SessionState.PAUSED)


@dataclasses.dataclass(slots=True)
class Known:
    """A session as a journal showed it last."""

    key: str
    host: str
    journal_id: str
    record: Record

    @property
    def withdrawn(self) -> bool:
        return self.record.state is SessionState.WITHDRAWN


class Checks:
    """Takes note of a run, and of the first violations in it."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.sessions: dict[str, Known] = {}
        self.told: dict[str, str] = {}  # session by key, or by car without one
        self.lost_journals: set[str] = set()  # whose disk was taken away, by a fault
        self._orders: dict[Process, tuple[int, bool]] = {}  # the limit, and draining, after the last commit
        self._by_key: dict[str, set[str]] = defaultdict(set)

    def violated(self, what: str) -> None:
        if len(self.violations) < 10:
            self.violations.append(what)

    def opened(self, process: Process) -> None:
        """A substation has started: what was there after a commit must be there now."""
        journal_id = process.parts.station.journal_id
        known = [one for one in self.sessions.values() if one.journal_id == journal_id]
        found = self._read(process)
        for one in known:
            entry = one.record.entry
            if entry and entry.session_id not in found:
                self.violated(f"session {entry.session_id} was committed at {one.host}, and is lost")
        self.committed(process, found)

    def committed(self, process: Process, found: "dict[str, Record] | None" = None) -> None:
        """A substation has made a commit."""
        found = self._read(process) if found is None else found
        journal = process.parts.journal
        station = journal.station()
        news = []
        for session_id, record in found.items():
            before = self.sessions.get(session_id)
            if before is None:
                news.append(record)
            elif before.record.state in {SessionState.WITHDRAWN, SessionState.STOPPED} and (
                record.state is not before.record.state
            ):
                self.violated(f"session {session_id} was {before.record.state}, and is {record.state}")
            self.sessions[session_id] = Known(record.key, process.name, station.journal_id, record)
        for record in news:
            self._new(process, record)
        self._within_limit(process, list(found.values()), news)

    def answered(self, caller: str, answer: BalancerAnswer) -> None:
        """A caller has an answer; `caller` is its key, or names it."""
        if answer.outcome is not BalancerOutcome.ADMITTED or not answer.session:
            return
        session_id = answer.session.session_id
        known = self.sessions.get(session_id)
        before = self.told.setdefault(caller, session_id)
        if before != session_id and self.sessions[before].journal_id in self.lost_journals:
            self.told[caller] = (
                session_id  # that of the journal that was given up was lost, and the key has moved on
            )
        elif before != session_id:
            self.violated(f"{caller} was told {before}, and then {session_id}")
        if known is None:
            self.violated(f"{caller} was told {session_id}, which is in no journal")
        elif known.withdrawn:
            self.violated(f"{caller} was told {session_id}, which is withdrawn")

    def live(self, key: str) -> list[str]:
        """Return the sessions of a key that were not withdrawn, and whose journal was not lost."""
        found = ((each, self.sessions[each]) for each in sorted(self._by_key[key]))
        return [
            each
            for each, known in found
            if not known.withdrawn and known.journal_id not in self.lost_journals
        ]

    def of_vehicle(self, vehicle: str) -> list[Known]:
        return [
            one
            for one in self.sessions.values()
            if one.record.entry and one.record.entry.vehicle_id == vehicle
        ]

    def _new(self, process: Process, record: Record) -> None:
        entry = record.entry
        if not entry:
            return
        self._by_key[record.key].add(entry.session_id)
        others = [each for each in self.live(record.key) if each != entry.session_id]
        if others and not self.sessions[entry.session_id].withdrawn:
            self.violated(f"key {record.key} has {entry.session_id} at {process.name}, and {others} already")

    def _within_limit(self, process: Process, records: list[Record], news: list[Record]) -> None:
        """Count the power anew by the journal: nothing of the ledger is used."""
        journal, station = process.parts.journal, process.parts.station
        row = journal.station()
        now_ms = row.grid_ms
        load_w = sum(reserved_w(record, now_ms) for record in records)
        owed_w = sum(
            record.entry.owed_w for record in records if record.state is SessionState.PAUSED and record.entry
        )
        limit_w = min(station._rated_w, row.limit_w or station._rated_w)
        before_w, drained = self._orders.get(process, (limit_w, False))
        self._orders[process] = limit_w, row.draining
        base_w = station.base_load.watts_at(now_ms)
        if not news:
            return
        if base_w + load_w + owed_w > max(limit_w, before_w):  # an order may be in the same commit
            who = [record.key for record in news]
            self.violated(
                f"{process.name} admitted {who} up to {base_w} + {load_w} + {owed_w} of {limit_w} W"
            )
        if row.draining and drained:
            self.violated(f"{process.name} admitted {[r.key for r in news]} while it drains")

    def _read(self, process: Process) -> dict[str, Record]:
        """Return the records with sessions in a journal, by session."""
        rows: list[Any] = process.parts.journal._store.rows(
            "SELECT * FROM record WHERE session_id IS NOT NULL ORDER BY number"
        )
        return {row["session_id"]: record_from_row(row) for row in rows}


def reserved_w(record: Record, now_ms: int) -> int:
    """Return the watts that an open session reserves at a grid time."""
    entry: Entry | None = record.entry
    if record.state is not SessionState.CHARGING or not entry or entry.end_ms <= now_ms:
        return 0
    return entry.plan.reserved_w(now_ms - entry.start_ms)
