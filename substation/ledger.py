"""The ledger: a substation's capacity, its open sessions, and the decision on every command.

Pure: time comes as grid milliseconds, the base load in watts, randomness as a token, old keys as the journal's record.
Invariants, checked on every admission and after every change:

- an admission leaves base load + load + demand <= capacity, and the room that paused sessions wait for;
- with an outlook, it leaves what is kept for the base load to come, too;
- load is the sum of all watts that are still to be freed, and is never negative;
- a key has at most one session, and a refusal at attempt n holds for every attempt up to n;
- grid time never goes back;
- `rollback` undoes everything since `begin`: a failed commit leaves no trace.
"""

import dataclasses
from collections.abc import Callable, Iterable

from runtime.values import value
from substation.contract import Place, SessionState, Settle, SubstationOutcome, Withdraw
from substation.curve import Curve, Usage
from substation.open_sessions import InvariantBroken, OpenSessions
from substation.outlook import BaseLoadOutlook
from substation.plan import Plan
from substation.records import Entry, Record


@value(frozen=True, slots=True)
class Decision:
    """An outcome, the record that shows it, and whether that record must be written first."""

    outcome: SubstationOutcome
    record: Record | None = None
    write: bool = False


class Ledger:
    """The open sessions and the load of one substation; see the rules at the top. `usage` is up to its present time."""

    def __init__(self, capacity_w: int, now_ms: int, usage: Usage) -> None:
        self.rated_w = self.capacity_w = capacity_w
        self.draining = False
        self.base_w = 0
        self.outlook: BaseLoadOutlook | None = None
        self.now_ms = now_ms
        self.usage = usage
        self.sessions = OpenSessions()
        self._undo: list[Callable[[], None]] = []

    @property
    def load_w(self) -> int:
        """The watts reserved at the ledger's present time."""
        return self.sessions.load_w

    def resume(self, entries: Iterable[Entry], now_ms: int) -> None:
        """Take back the sessions that the journal shows open at grid time `now_ms`; no decision."""
        self.sessions.resume(entries, now_ms)

    def set_draining(self, *, on: bool) -> None:
        """Admit nothing more, or admit again."""
        before, self.draining = self.draining, on
        self._undo.append(lambda: self.set_draining(on=before))

    def set_capacity(self, capacity_w: int) -> None:
        """Change the limit; below the present load, sessions go on, and nothing is admitted."""
        before, self.capacity_w = (self.capacity_w, self.usage), capacity_w

        def undo() -> None:
            self.capacity_w, self.usage = before

        self._undo.append(undo)
        self.usage = self.usage.lowered(self.sessions.load_w, self.base_w, capacity_w)

    def begin(self, now_ms: int, base_w: int = 0) -> None:
        """Start a batch at grid time `now_ms`, with a base load: what the plans have ended by then is freed."""
        if now_ms < self.now_ms:
            raise InvariantBroken(f"grid time went back from {self.now_ms} to {now_ms} ms")
        self._undo.clear()
        self.usage = self.curve().usage_at(now_ms, base_w)
        self._deliver(self.sessions.free_due(now_ms))
        self.now_ms, self.base_w = now_ms, base_w

    def rollback(self) -> None:
        """Undo every decision since `begin`."""
        undo, self._undo = self._undo, []
        while undo:
            undo.pop()()
        self._undo.clear()

    def place(self, place: Place, known: Record | None, entry: Entry) -> Decision:
        """Decide on a request; `entry` is the session that it would become, starting now."""
        if known and known.entry:
            withdrawn = known.state is SessionState.WITHDRAWN
            return Decision(SubstationOutcome.REFUSED if withdrawn else SubstationOutcome.PLACED, known)
        if known and place.attempt < known.attempt:
            return Decision(SubstationOutcome.STALE, known)
        if known and (place.attempt == known.attempt or known.state is SessionState.WITHDRAWN):
            return Decision(SubstationOutcome.REFUSED, known)
        if self.draining or not _has_room(self, place.plan):
            refused = Record(place.key, place.attempt, SessionState.REFUSED)
            return Decision(SubstationOutcome.REFUSED, refused, write=True)
        self.sessions.add(entry, self.now_ms)
        self._undo.append(lambda: self.sessions.remove(entry))
        if (admitted_w := self.base_w + self.sessions.load_w) > self.capacity_w:
            raise InvariantBroken(
                f"admitted {place.plan.power_w} W up to {admitted_w} of {self.capacity_w} W"
            )
        return Decision(
            SubstationOutcome.PLACED,
            Record(place.key, place.attempt, SessionState.CHARGING, entry),
            write=True,
        )

    def replace(self, before: Entry, record: Record) -> Decision:
        """Put the session of `record` in the place of the same one before it was paused or resumed."""
        after, now_ms = record.entry or before, self.now_ms
        self.sessions.replace(before, after, now_ms)
        self._undo.append(lambda: self.sessions.replace(after, before, now_ms))
        return Decision(SubstationOutcome.DONE, record, write=True)

    def stop(self, known: Record | None, now_unix_ms: int) -> Decision:
        """End the session of `known`; one that has ended stays as it is."""
        if not known or not known.entry:
            return Decision(SubstationOutcome.NOT_FOUND)
        return self._end(known, SessionState.STOPPED, SubstationOutcome.STOPPED, now_unix_ms)

    def withdraw(self, withdraw: Withdraw, known: Record | None, now_unix_ms: int) -> Decision:
        """End the session of a key, or leave a tombstone that no late copy can pass."""
        if not known or not known.entry:
            attempt = max(withdraw.attempt, known.attempt if known else 0)
            return Decision(
                SubstationOutcome.WITHDRAWN, Record(withdraw.key, attempt, SessionState.WITHDRAWN), write=True
            )
        return self._end(known, SessionState.WITHDRAWN, SubstationOutcome.WITHDRAWN, now_unix_ms)

    def curve(self) -> Curve:
        """Return the load from now on, as an immutable picture."""
        return self.sessions.curve(self.now_ms, self.capacity_w, self.usage, self.base_w)

    def check(self) -> None:
        """Raise InvariantBroken if the load is not the sum of what is still to be freed."""
        self.sessions.check()

    def check_bounds(self) -> None:
        """Raise InvariantBroken on an impossible load, the cheap half of `check`."""
        self.sessions.check_bounds()

    def _end(
        self, known: Record, state: SessionState, outcome: SubstationOutcome, now_unix_ms: int
    ) -> Decision:
        entry = known.entry
        if not entry or known.state_at(self.now_ms) not in {SessionState.CHARGING, SessionState.PAUSED}:
            return Decision(outcome, known)
        before = self.usage
        self.sessions.remove(entry)
        self._deliver([(entry, self.now_ms)])

        def undo() -> None:
            self.sessions.add(entry, self.now_ms)
            self.usage = before

        self._undo.append(undo)
        ended = dataclasses.replace(entry, ended_ms=self.now_ms, ended_unix_ms=now_unix_ms)
        return Decision(outcome, dataclasses.replace(known, state=state, entry=ended), write=True)

    def _deliver(self, ended: list[tuple[Entry, int]]) -> None:
        """Count the energy of sessions that have ended, each at a grid time."""
        if ended:
            ended_j = self.usage.ended_j + sum(entry.delivered_j(end_ms) for entry, end_ms in ended)
            self.usage = dataclasses.replace(self.usage, ended_j=ended_j)


def settle(command: Settle, known: Record | None) -> Decision:
    """Return the session of a key. Without one, refuse the key, so that no late copy can be placed."""
    if known and (known.entry or known.attempt >= command.attempt):
        return Decision(SubstationOutcome.FOUND if known.entry else SubstationOutcome.NOT_FOUND, known)
    state = known.state if known else SessionState.REFUSED
    return Decision(SubstationOutcome.NOT_FOUND, Record(command.key, command.attempt, state), write=True)


def kept_w(ledger: Ledger) -> int:
    """Return the watts that are kept for the base load to come at the ledger's present time."""
    return ledger.outlook.kept_w(ledger.curve(), ledger.base_w, ledger.now_ms) if ledger.outlook else 0


def _has_room(ledger: Ledger, plan: Plan) -> bool:
    """Whether a car fits beside all that is taken."""
    taken_w = ledger.base_w + ledger.load_w + ledger.sessions.owed_w + kept_w(ledger)
    return taken_w + plan.power_w <= ledger.capacity_w
