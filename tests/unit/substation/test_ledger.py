"""The decisions of the ledger, on a virtual clock; its journal is a dict."""

import pytest

from substation.contract import SessionState, SubstationOutcome
from substation.records import Record
from tests.support.sessions import UNIX_MS, place
from tests.unit.substation.ledger_desk import CAPACITY_W, Desk


def test_an_admission_reserves_its_power_until_the_plan_ends() -> None:
    desk = Desk()
    assert desk.place(place("a", seconds=10)).outcome is SubstationOutcome.PLACED
    assert desk.at(9_999).ledger.load_w == 11_000
    assert desk.at(10_000).ledger.load_w == 0


def test_a_demand_that_fills_the_capacity_to_the_watt_is_admitted() -> None:
    desk = Desk()
    assert desk.place(place("a", power_w=CAPACITY_W)).outcome is SubstationOutcome.PLACED
    assert desk.ledger.load_w == CAPACITY_W


def test_a_demand_one_watt_over_the_capacity_is_refused_and_leaves_a_tombstone() -> None:
    desk = Desk()
    desk.place(place("a", power_w=CAPACITY_W - 10))
    refused = desk.place(place("b", attempt=3, power_w=11))
    assert (refused.outcome, refused.write) == (SubstationOutcome.REFUSED, True)
    assert desk.known["b"] == Record("b", 3, SessionState.REFUSED)
    assert desk.ledger.load_w == CAPACITY_W - 10


def test_a_draining_substation_refuses_although_it_has_room() -> None:
    desk = Desk()
    desk.ledger.draining = True
    assert desk.place(place("a")).outcome is SubstationOutcome.REFUSED


@pytest.mark.parametrize("attempt", [0, 1, 2])
def test_a_placed_key_gets_the_same_session_at_whatever_attempt(attempt: int) -> None:
    desk = Desk()
    first = desk.place(place("a", attempt=1))
    again = desk.place(place("a", attempt=attempt))
    assert (again.outcome, again.record, again.write) == (SubstationOutcome.PLACED, first.record, False)
    assert desk.ledger.load_w == 11_000


def test_a_placed_key_gets_the_same_session_after_it_has_ended() -> None:
    desk = Desk()
    first = desk.place(place("a", seconds=10))
    again = desk.at(60_000).place(place("a", seconds=10))
    assert (again.outcome, again.record) == (SubstationOutcome.PLACED, first.record)
    assert desk.ledger.load_w == 0


def test_a_refusal_holds_for_its_attempt_even_when_there_is_room_again() -> None:
    desk = Desk()
    desk.place(place("full", power_w=CAPACITY_W, seconds=10))
    desk.place(place("a", attempt=2))
    again = desk.at(10_000).place(place("a", attempt=2))
    assert (again.outcome, again.write) == (SubstationOutcome.REFUSED, False)


def test_an_attempt_older_than_the_known_one_is_stale() -> None:
    desk = Desk()
    desk.place(place("full", power_w=CAPACITY_W, seconds=10))
    desk.place(place("a", attempt=2))
    older = desk.at(10_000).place(place("a", attempt=1))
    assert (older.outcome, older.write) == (SubstationOutcome.STALE, False)


def test_a_later_attempt_of_a_refused_key_is_decided_anew() -> None:
    desk = Desk()
    desk.place(place("full", power_w=CAPACITY_W, seconds=10))
    desk.place(place("a", attempt=2))
    assert desk.place(place("a", attempt=3)).outcome is SubstationOutcome.REFUSED
    assert desk.known["a"].attempt == 3
    assert desk.at(10_000).place(place("a", attempt=4)).outcome is SubstationOutcome.PLACED


def test_withdrawing_a_session_frees_it_and_no_copy_brings_it_back() -> None:
    desk = Desk()
    desk.place(place("a"))
    withdrawn = desk.at(1000).withdraw("a", 0)
    assert (withdrawn.outcome, withdrawn.write) == (SubstationOutcome.WITHDRAWN, True)
    assert desk.ledger.load_w == 0
    for attempt in (0, 1):
        assert desk.place(place("a", attempt=attempt)).outcome is SubstationOutcome.REFUSED
    assert desk.ledger.load_w == 0


def test_withdrawing_an_unknown_key_leaves_a_tombstone_that_no_late_copy_passes() -> None:
    desk = Desk()
    assert desk.withdraw("a", 2).outcome is SubstationOutcome.WITHDRAWN
    assert desk.known["a"] == Record("a", 2, SessionState.WITHDRAWN)
    assert desk.place(place("a", attempt=1)).outcome is SubstationOutcome.STALE
    assert desk.place(place("a", attempt=2)).outcome is SubstationOutcome.REFUSED
    assert desk.ledger.load_w == 0


def test_withdrawing_keeps_the_highest_attempt_that_is_known() -> None:
    desk = Desk()
    desk.ledger.draining = True
    desk.place(place("a", attempt=5))
    desk.withdraw("a", 2)
    assert desk.known["a"] == Record("a", 5, SessionState.WITHDRAWN)


def test_withdrawing_twice_frees_once() -> None:
    desk = Desk()
    desk.place(place("a"))
    desk.place(place("b"))
    desk.withdraw("a", 0)
    again = desk.withdraw("a", 0)
    assert (again.outcome, again.write) == (SubstationOutcome.WITHDRAWN, False)
    assert desk.ledger.load_w == 11_000


def test_a_stop_frees_once_and_answers_the_ended_session_ever_after() -> None:
    desk = Desk()
    desk.place(place("a"))
    stopped = desk.at(1000).stop("a")
    again = desk.at(2000).stop("a")
    assert (stopped.outcome, stopped.write) == (SubstationOutcome.STOPPED, True)
    assert (again.outcome, again.write, again.record) == (SubstationOutcome.STOPPED, False, stopped.record)
    assert desk.ledger.load_w == 0
    assert stopped.record
    session = stopped.record.session_at(9000, "substation-1")
    assert session
    assert (session.state, session.delivered_j, session.ended_unix_ms) == (
        SessionState.STOPPED,
        11_000,
        UNIX_MS,
    )


def test_a_stop_after_the_natural_end_changes_nothing() -> None:
    desk = Desk()
    desk.place(place("a", seconds=10))
    stopped = desk.at(10_000).stop("a")
    assert not stopped.write
    assert stopped.record
    session = stopped.record.session_at(10_000, "substation-1")
    assert session
    assert (session.state, session.delivered_j) == (SessionState.COMPLETED, 110_000)
    assert session.ended_unix_ms == session.expected_end_unix_ms


def test_stopping_what_has_no_session_finds_nothing() -> None:
    desk = Desk()
    assert desk.stop("nobody").outcome is SubstationOutcome.NOT_FOUND
    desk.withdraw("a", 0)
    assert desk.stop("a").outcome is SubstationOutcome.NOT_FOUND
