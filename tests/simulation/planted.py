"""Bugs by name, to be planted in the production code: the simulation must find each of them.

Each is the slip that its first line says, as somebody could make it. CAUGHT says by which seed it is found, so that a test
need not look for one.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import Claim
from balancer.fleet.view import Hold, View
from balancer.placing.claim_asking import GIVEN_UP, ClaimAsker
from balancer.placing.seating.waiting_room import WaitingRoom
from balancer.placing.walks import KeylessWalk
from balancer.placing.withdrawals import Withdrawals
from balancer.stream import BalancerService
from runtime import coalescer
from runtime.message_stream import _Heart
from runtime.store import Store
from runtime.stream_peers import Peer
from runtime.stream_server import Conversation
from substation import ledger as ledgers
from substation import station as stations
from substation.contract import SessionState, SubstationOutcome
from substation.journal import Journal
from substation.ledger import Decision, Ledger
from substation.open_sessions import OpenSessions
from substation.pausing import Pauses, ResumeTimer
from substation.records import Record
from substation.station import Station
from substation.station_row import StationRow

PLANTED: dict[str, Callable[[], AbstractContextManager[object]]] = {}
Plant = Callable[[], AbstractContextManager[object]]


def planted(make: Plant) -> Plant:
    """Note a bug under its name."""
    PLANTED[make.__name__] = make
    return make


@planted
def a_request_goes_on_after_an_unknown_outcome() -> AbstractContextManager[object]:
    """No answer counts as a refusal."""
    ask = ClaimAsker.ask

    async def asked(self: ClaimAsker, *given: Any) -> Any:
        return await ask(self, *given) or GIVEN_UP

    return patch.object(ClaimAsker, "ask", asked)


@planted
def a_key_is_not_claimed() -> AbstractContextManager[object]:
    """The claim is not written."""
    claim = EmbeddedBook.claim

    async def claimed(
        self: EmbeddedBook, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        found = await claim(self, key, fingerprint, None)
        return found or (Claim(key, fingerprint, 0, target, journal_id, fresh=True) if target else None)

    return patch.object(EmbeddedBook, "claim", claimed)


@planted
def a_claim_is_used_before_its_commit() -> AbstractContextManager[object]:
    """The answer does not wait for the commit."""
    claim = EmbeddedBook.claim

    async def claimed(
        self: EmbeddedBook, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        found = await claim(self, key, fingerprint, None)
        if found or not target:
            return found
        import asyncio  # noqa: PLC0415

        self.late = asyncio.ensure_future(claim(self, key, fingerprint, target, journal_id))  # type: ignore[attr-defined]
        return Claim(key, fingerprint, 0, target, journal_id, fresh=True)

    return patch.object(EmbeddedBook, "claim", claimed)


@planted
def a_withdrawal_leaves_no_tombstone() -> AbstractContextManager[object]:
    """A key that is withdrawn before it came is not noted."""
    withdraw = Ledger.withdraw

    def withdrawn(self: Ledger, command: Any, known: Any, unix_ms: int) -> Decision:
        if not known:
            return Decision(SubstationOutcome.WITHDRAWN)
        return withdraw(self, command, known, unix_ms)

    return patch.object(Ledger, "withdraw", withdrawn)


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
def a_seat_is_given_back_twice() -> AbstractContextManager[object]:
    """Closing a hold frees its power twice."""

    def close(self: Hold) -> None:
        if self._member:
            self._member.outstanding_w -= 2 * self._demand_w
            self._member = None

    return patch.object(Hold, "close", close)


@planted
def a_seat_is_not_given_back() -> AbstractContextManager[object]:
    """A hold is not closed when asking ends."""
    return patch.object(Hold, "__exit__", lambda *_: None)


@planted
def an_unused_answer_is_not_withdrawn() -> AbstractContextManager[object]:
    """A session that its caller does not know of is left."""
    return patch.object(BalancerService, "_unused", lambda *_: None)


@planted
def a_request_that_was_given_up_is_not_withdrawn() -> AbstractContextManager[object]:
    """Asking was cancelled, and nobody ends what was placed."""
    return patch.object(KeylessWalk, "abandoned", lambda *_: None)


@planted
def a_withdrawal_is_kept_in_memory() -> AbstractContextManager[object]:
    """A withdrawal is asked for, but not noted in the book."""

    async def note(self: Withdrawals, withdrawal: Any) -> None:
        self._ask(withdrawal)

    return patch.object(Withdrawals, "_note", note)


@planted
def a_withdrawal_is_asked_for_once() -> AbstractContextManager[object]:
    """Without an answer it counts as settled."""

    async def answered(self: Withdrawals, withdrawal: Any) -> bool:
        from substation.contract import Withdraw  # noqa: PLC0415

        command = Withdraw(withdrawal.key, withdrawal.attempt, withdrawal.journal_id)
        await self._asker.once(withdrawal.target, command, 0.5)
        await self._forget(withdrawal)
        return True

    return patch.object(Withdrawals, "_answered", answered)


@planted
def the_withdrawals_in_the_book_are_not_taken_up() -> AbstractContextManager[object]:
    """A balancer that starts does not read what its former run left."""

    async def resume(self: Withdrawals) -> None:
        await self._book.withdrawals()

    return patch.object(Withdrawals, "resume", resume)


@planted
def a_call_that_was_given_up_begins_late() -> AbstractContextManager[object]:
    """What comes after its cancellation is carried out."""
    return patch.object(Peer, "gave_up", lambda *_: False)


@planted
def an_answer_that_was_lost_is_not_remembered() -> AbstractContextManager[object]:
    """What was written to a stream that broke counts as read."""
    return patch.object(Peer, "wrote", lambda *_: None)


@planted
def a_cancellation_is_ignored() -> AbstractContextManager[object]:
    """A caller that hangs up does not end its call."""
    return patch.object(Conversation, "_cancel", lambda *_: None)


@planted
def cancellations_are_not_repeated() -> AbstractContextManager[object]:
    """Those that were lost with a stream stay lost."""
    return patch.object(coalescer._Cancels, "sent_on_lost_stream", lambda _: [])


@planted
def a_call_is_sent_again_on_the_next_stream() -> AbstractContextManager[object]:
    """A call whose stream was lost is repeated, whatever it is."""

    def lose(self: Any) -> None:
        self.up, self._stream = False, None
        for call in self._sent.values():
            self._waiting[next(self._numbers)] = call
        self._sent = {}

    return patch.object(coalescer.Link, "_lose", lose)


@planted
def a_silent_stream_is_kept() -> AbstractContextManager[object]:
    """Nobody notices that the other end has gone."""
    beat = _Heart._beat

    def beaten(self: Any) -> None:
        self._silent_s = float("inf")
        beat(self)

    return patch.object(_Heart, "_beat", beaten)


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

    return both(patch.object(ledgers, "_has_room", has_room), _without_the_check())


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
def nothing_is_paused() -> AbstractContextManager[object]:
    """The base load may rise as it likes."""
    return patch.object(Pauses, "follow", lambda *_: [])


@planted
def a_failed_commit_is_not_undone() -> AbstractContextManager[object]:
    """The ledger keeps what the journal has not."""
    return patch.object(Ledger, "rollback", lambda self: self._undo.clear())


@planted
def an_order_is_not_written() -> AbstractContextManager[object]:
    """Drain and limit hold until the next restart."""

    def steer(self: StationRow, *, draining: bool, limit_w: int) -> None:
        self.known = dataclasses.replace(self.known, draining=draining, limit_w=limit_w)

    return patch.object(StationRow, "steer", steer)


@planted
def another_journal_does_not_matter() -> AbstractContextManager[object]:
    """A key is asked for at its substation, whatever disk that has."""
    from substation import writer  # noqa: PLC0415

    return both(patch.object(View, "other_journal", lambda *_: ""), patch.object(writer, "OF_A_JOURNAL", ()))


@planted
def a_request_stays_in_the_waiting_room() -> AbstractContextManager[object]:
    """Nobody leaves the waiting room."""
    return patch.object(WaitingRoom, "leave", lambda *_: None)


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


def both(*patches: AbstractContextManager[object]) -> AbstractContextManager[object]:
    """Return patches as one."""

    @contextlib.contextmanager
    def all_of() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for each in patches:
                stack.enter_context(each)
            yield

    return all_of()


def _without_the_check() -> AbstractContextManager[object]:
    """Leave out that the ledger checks itself: it is the simulation that must see the fault."""
    return patch.object(ledgers, "InvariantBroken", lambda *_: _Ignored())


class _Ignored(Exception):
    pass
