"""Bugs in substations."""

import contextlib
import dataclasses
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from balancer.fleet.view import View
from runtime.store import Store
from substation import ledger as ledgers
from substation import station as stations
from substation.contract import SessionState, SubstationOutcome
from substation.journal import Journal
from substation.ledger import Decision, Ledger
from substation.open_sessions import OpenSessions
from substation.pausing import ResumeTimer
from substation.records import Record
from substation.station import Station
from tests.simulation.planted.registry import both, planted


@planted
def an_answer_does_not_wait_for_its_commit() -> AbstractContextManager[object]:
    """A transaction is committed when the next one begins."""

    @contextlib.contextmanager
    def transaction(self: Store) -> Iterator[None]:
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        self._db.execute("BEGIN IMMEDIATE")
        yield

    return patch.object(Store, "transaction", transaction)


@planted
def a_refusal_is_forgotten() -> AbstractContextManager[object]:
    """A refusal is not written, so a late copy of the request is admitted."""
    place = Ledger.place

    def placed(self: Ledger, *given: Any) -> Decision:
        decision = place(self, *given)
        refused = decision.outcome is SubstationOutcome.REFUSED
        return dataclasses.replace(decision, write=False) if refused else decision

    return patch.object(Ledger, "place", placed)


@planted
def a_substation_does_not_know_a_key_again() -> AbstractContextManager[object]:
    """The journal is not asked whether a key came before."""
    place = Ledger.place
    return patch.object(
        Ledger, "place", lambda self, command, _known, entry: place(self, command, None, entry)
    )


@planted
def a_batch_is_judged_by_the_load_before_it() -> AbstractContextManager[object]:
    """Between the check and the reservation other requests are checked."""

    def has_room(self: Ledger, plan: Any) -> bool:
        return bool(self.before_w + self.base_w + plan.power_w <= self.capacity_w)  # type: ignore[attr-defined]

    begin = Ledger.begin

    def begun(self: Ledger, *given: Any) -> None:
        begin(self, *given)
        self.before_w = self.load_w  # type: ignore[attr-defined]

    def place(self: Ledger, command: Any, known: Any, entry: Any) -> Decision:
        if not known and not self.draining and has_room(self, command.plan):
            self.sessions.add(entry, self.now_ms)
            record = Record(command.key, command.attempt, SessionState.CHARGING, entry)
            return Decision(SubstationOutcome.PLACED, record, write=True)
        return placed(self, command, known, entry)

    placed = Ledger.place
    return both(patch.object(Ledger, "begin", begun), patch.object(Ledger, "place", place))


@planted
def the_load_is_forgotten_at_a_restart() -> AbstractContextManager[object]:
    """The open sessions in the journal are not taken up."""
    return patch.object(OpenSessions, "resume", lambda *_: None)


@planted
def a_limit_is_forgotten_at_a_restart() -> AbstractContextManager[object]:
    """The operator's limit is not taken up."""
    resume = stations.resume

    def resumed(journal: Journal, capacity_w: int, *given: Any) -> Ledger:
        ledger = resume(journal, capacity_w, *given)
        ledger.set_capacity(capacity_w)
        return ledger

    return patch.object(stations, "resume", resumed)


@planted
def draining_is_forgotten_at_a_restart() -> AbstractContextManager[object]:
    """A substation that was drained admits after a restart."""
    resume = stations.resume

    def resumed(*given: Any) -> Ledger:
        ledger = resume(*given)
        ledger.set_draining(on=False)
        return ledger

    return patch.object(stations, "resume", resumed)


@planted
def the_base_load_does_not_count() -> AbstractContextManager[object]:
    """Cars are admitted as if there were no houses."""

    def has_room(ledger: Ledger, plan: Any) -> bool:
        return bool(ledger.load_w + plan.power_w <= ledger.capacity_w)

    return patch.object(ledgers, "_has_room", has_room)


@planted
def the_room_of_paused_sessions_is_given_away() -> AbstractContextManager[object]:
    """What paused sessions wait for counts as free."""

    def has_room(ledger: Ledger, plan: Any) -> bool:
        return bool(ledger.base_w + ledger.load_w + plan.power_w <= ledger.capacity_w)

    return patch.object(ledgers, "_has_room", has_room)


@planted
def paused_sessions_do_not_resume() -> AbstractContextManager[object]:
    """Nobody looks whether there is room again."""
    return patch.object(ResumeTimer, "to_resume", lambda *_: [])


@planted
def another_journal_does_not_matter() -> AbstractContextManager[object]:
    """A key is asked for at its substation, whatever disk that has."""
    from substation import writer  # noqa: PLC0415

    return both(patch.object(View, "other_journal", lambda *_: ""), patch.object(writer, "OF_A_JOURNAL", ()))


@planted
def the_epoch_stays_as_it_was() -> AbstractContextManager[object]:
    """After a restart, reports count as older than those before it."""
    from substation import journal  # noqa: PLC0415

    return patch.object(journal, "next_epoch", lambda *_: 1)


@planted
def reports_are_those_of_the_start() -> AbstractContextManager[object]:
    """What is published after a commit is not looked at."""
    moment = Station._moment

    def first(self: Any) -> Any:
        if not hasattr(self, "first"):
            self.first = moment(self)
        return self.first[0], moment(self)[1]

    return patch.object(Station, "_moment", first)


@planted
def grid_time_follows_the_wall_clock() -> AbstractContextManager[object]:
    """A jump of the wall clock is a jump of the grid's clock."""
    from substation.writer import Writer  # noqa: PLC0415

    init = Writer.__init__

    def made(self: Writer, *given: Any) -> None:
        init(self, *given)
        machine = self._machine
        begun_s = machine.unix_s() if hasattr(machine, "unix_s") else machine._unix_s()
        self._machine.monotonic_s = lambda: 1000.0 + machine._unix_s() - begun_s

    return patch.object(Writer, "__init__", made)
