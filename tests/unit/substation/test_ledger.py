"""The decisions of the ledger, on a virtual clock; its journal is a dict."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substation.contract import Place, SessionState, SubstationOutcome, Withdraw
from substation.curve import Usage
from substation.ledger import Decision, Ledger
from substation.open_sessions import InvariantBroken
from substation.plan import Plan
from substation.records import Record
from tests.support.sessions import UNIX_MS, entry, place

CAPACITY_W = 33_000


class Desk:
    """A ledger with a dict for its journal, at a time that the test sets."""

    def __init__(self, capacity_w: int = CAPACITY_W) -> None:
        self.ledger = Ledger(capacity_w, 0, Usage())
        self.known: dict[str, Record] = {}
        self.now_ms = 0

    def at(self, now_ms: int) -> "Desk":
        self.now_ms = now_ms
        self.ledger.begin(now_ms)
        return self

    def place(self, command: Place) -> Decision:
        known = self.known.get(command.key)
        return self._kept(self.ledger.place(command, known, entry(command, self.now_ms)))

    def withdraw(self, key: str, attempt: int) -> Decision:
        return self._kept(self.ledger.withdraw(Withdraw(key, attempt), self.known.get(key), UNIX_MS))

    def stop(self, key: str) -> Decision:
        return self._kept(self.ledger.stop(self.known.get(key), UNIX_MS))

    def _kept(self, decision: Decision) -> Decision:
        if decision.write and decision.record:
            self.known[decision.record.key] = decision.record
        self.ledger.check()
        return decision


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


def test_a_rollback_undoes_the_whole_batch_and_nothing_before_it() -> None:
    desk = Desk()
    desk.place(place("old", power_w=5_000))
    desk.place(place("kept", power_w=2_000))
    before = desk.at(1000).ledger.curve()
    desk.place(place("new", power_w=7_000))
    desk.stop("old")
    desk.withdraw("new", 0)
    desk.withdraw("kept", 0)
    desk.ledger.rollback()
    assert desk.ledger.curve() == before
    desk.ledger.check()


def test_a_rollback_does_not_bring_back_what_has_ended_by_itself() -> None:
    desk = Desk()
    desk.place(place("a", seconds=10))
    desk.at(10_000).ledger.rollback()
    assert desk.ledger.load_w == 0


def test_time_that_goes_back_is_a_bug() -> None:
    desk = Desk().at(1000)
    with pytest.raises(InvariantBroken, match="went back"):
        desk.at(999)


def test_derating_cuts_nobody_off_and_admits_nothing_until_there_is_room() -> None:
    desk = Desk()
    desk.place(place("short", power_w=22_000, seconds=10))
    desk.place(place("long", power_w=11_000, seconds=100))
    desk.ledger.set_capacity(20_000)
    assert desk.ledger.load_w == 33_000
    assert desk.place(place("a", power_w=1)).outcome is SubstationOutcome.REFUSED
    assert desk.at(10_000).ledger.load_w == 11_000
    assert desk.place(place("b", power_w=9_001)).outcome is SubstationOutcome.REFUSED
    assert desk.place(place("c", power_w=9_000)).outcome is SubstationOutcome.PLACED


def test_load_above_a_lowered_capacity_counts_as_derating_and_not_as_admission() -> None:
    desk = Desk()
    desk.place(place("short", power_w=22_000, seconds=10))
    desk.place(place("long", power_w=11_000, seconds=100))
    desk.ledger.set_capacity(20_000)
    curve = desk.at(30_000).ledger.curve()
    assert curve.usage == Usage(ended_j=22_000 * 10, derating_wms=13_000 * 10_000)
    assert curve.delivered_at(30_000) == 22_000 * 10 + 11_000 * 30


def test_a_derating_that_stops_brought_to_its_end_excuses_nothing_later() -> None:
    desk = Desk()
    desk.place(place("a", power_w=22_000))
    desk.ledger.set_capacity(20_000)
    desk.at(1000).stop("a")
    assert desk.at(2000).ledger.curve().usage.allowed_w == 0


def test_a_session_that_tapers_makes_room_before_it_has_ended() -> None:
    desk = Desk()
    tapering = dataclasses.replace(place("a"), plan=Plan(33_000 * 1000, 33_000))
    desk.place(tapering)
    first_ms = tapering.plan.releases()[0][0]
    assert desk.at(first_ms - 1).place(place("b", power_w=1)).outcome is SubstationOutcome.REFUSED
    assert desk.at(first_ms).ledger.load_w == 33_000 - 8_250
    assert desk.place(place("c", power_w=8_251)).outcome is SubstationOutcome.REFUSED
    assert desk.place(place("d", power_w=8_250)).outcome is SubstationOutcome.PLACED
    assert desk.ledger.load_w == CAPACITY_W


def test_a_session_that_is_stopped_in_its_taper_frees_what_it_still_has() -> None:
    desk = Desk()
    tapering = dataclasses.replace(place("a"), plan=Plan(20_000 * 1000, 20_000))
    desk.place(tapering)
    desk.place(place("other", power_w=1000))
    now_ms = tapering.plan.releases()[1][0]
    desk.at(now_ms).stop("a")
    assert desk.ledger.load_w == 1000
    assert desk.ledger.curve().usage.ended_j == tapering.plan.delivered_j(now_ms)


def test_a_limit_may_be_raised_again_in_steps_while_the_load_is_above_it() -> None:
    desk = Desk()
    desk.place(place("a", power_w=30_000, seconds=100))
    desk.ledger.set_capacity(10_000)
    desk.at(10_000).ledger.set_capacity(20_000)
    desk.at(20_000).ledger.set_capacity(CAPACITY_W)
    usage = desk.at(30_000).ledger.curve().usage
    assert usage == Usage(derating_wms=(20_000 + 10_000) * 10_000)


def test_a_rollback_undoes_the_operator_s_orders_among_the_rest() -> None:
    desk = Desk()
    desk.place(place("old", power_w=30_000))
    before = desk.at(1000).ledger.curve()
    desk.ledger.set_draining(on=True)
    desk.ledger.set_capacity(10_000)
    desk.stop("old")
    desk.ledger.set_capacity(20_000)
    desk.ledger.set_draining(on=False)
    desk.ledger.set_draining(on=True)
    desk.ledger.rollback()
    assert not desk.ledger.draining
    assert desk.ledger.curve() == before
    desk.ledger.rollback()  # there is nothing left to undo
    assert desk.ledger.curve() == before


SOME_PLANS = st.builds(
    Plan, st.integers(1, 400), st.integers(1, 9_000), st.just(0) | st.integers(1, 120), st.booleans()
)
EVENTS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["place", "place", "stop", "rolled back"]), SOME_PLANS),
    max_size=12,
)


@given(events=EVENTS)
def test_load_draw_and_energy_are_those_of_every_plan_at_every_millisecond(
    events: list[tuple[int, str, Plan]],
) -> None:
    """Over commits, natural ends, stops and rollbacks, against a sum over all sessions there were."""
    desk = Desk(20_000)
    lives: dict[str, tuple[Plan, int, float]] = {}  # plan, start, end if it was stopped
    newest_j = 0
    for number, (passed_ms, event, plan) in enumerate(events):
        desk.at(desk.now_ms + passed_ms)
        key = str(number)
        placed = desk.place(dataclasses.replace(place(key), plan=plan)).outcome is SubstationOutcome.PLACED
        if placed and event == "rolled back":
            desk.ledger.rollback()
            del desk.known[key]
        elif placed:
            lives[key] = (plan, desk.now_ms, math.inf)
        if event == "stop" and desk.stop(stopped := str(number // 2)).write:
            lives[stopped] = (*lives[stopped][:2], desk.now_ms)
        curve = desk.ledger.curve()
        for now_ms in range(desk.now_ms, desk.now_ms + 60, 3):
            going = [(p, now_ms - start) for p, start, end in lives.values() if now_ms < end]
            assert curve.load_at(now_ms) == sum(p.reserved_w(ms) for p, ms in going)
            assert curve.sessions_at(now_ms) == sum(p.duration_ms > ms for p, ms in going)
            assert curve.draw_at(now_ms) == pytest.approx(sum(p.draw_w(ms) for p, ms in going))
            assert curve.draw_at(now_ms) <= curve.load_at(now_ms) <= 20_000
        delivered_j = curve.delivered_at(desk.now_ms)
        assert delivered_j == sum(
            p.delivered_j(int(min(desk.now_ms, end)) - start) for p, start, end in lives.values()
        )
        assert delivered_j >= newest_j
        newest_j = delivered_j
